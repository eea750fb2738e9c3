package render

import (
	"fmt"
	"os"
	"testing"

	"coreos-libvirt/internal/transpile"
)

// BenchmarkNode renders clusters of the shipped etcd config.
func BenchmarkNode(b *testing.B) {
	template, err := transpile.File("../../ignition/ignition.yml", "../../ignition/files")
	if err != nil {
		b.Fatal(err)
	}
	script, errScript := os.ReadFile("../../templates/ready.sh")
	service, errService := os.ReadFile("../../templates/ready.service")
	if errScript != nil || errService != nil {
		b.Fatal(errScript, errService)
	}
	for _, nodes := range []int{3, 100, 1000} {
		b.Run(fmt.Sprint(nodes, "nodes"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				merged, err := WithReadiness(template.JSON, Readiness{Script: script, Service: service})
				if err != nil {
					b.Fatal(err)
				}
				for i := range nodes {
					words := Words{"Node_Name": fmt.Sprint("core", i), "SSH_Authorized_Key": "ssh-ed25519 AAAA", "Etcd_Discovery_Token": "t", "Etcd_Discovery_Endpoints": "http://10.0.0.1:2"}
					if _, err := Node(merged, words); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
