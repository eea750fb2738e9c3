package render

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"coreos-libvirt/internal/config/transpile"
)

// most is how much memory rendering may take, whatever the number of nodes.
const most = 200 << 20

// BenchmarkNode renders clusters of the shipped etcd config, and holds all nodes' documents, as a run does.
func BenchmarkNode(b *testing.B) {
	template, err := transpile.File("../../../ignition/ignition.yml", "../../../ignition/files")
	if err != nil {
		b.Fatal(err)
	}
	script, errScript := os.ReadFile("../../../templates/ready.sh")
	service, errService := os.ReadFile("../../../templates/ready.service")
	rules, errRules := os.ReadFile("../../../templates/hotplug.rules")
	if errScript != nil || errService != nil || errRules != nil {
		b.Fatal(errScript, errService, errRules)
	}
	for _, nodes := range []int{3, 100, 1000} {
		b.Run(fmt.Sprint(nodes, "nodes"), func(b *testing.B) {
			b.ReportAllocs()
			words := Words{}
			for _, word := range all {
				words[word] = "a value of some length"
			}
			docs := make([][]byte, nodes)
			for b.Loop() {
				merged, err := WithReadiness(template.JSON, Readiness{Script: script, Service: service, Rules: rules})
				if err != nil {
					b.Fatal(err)
				}
				for i := range nodes {
					words["Node_Name"] = fmt.Sprint("core", i)
					if docs[i], err = Node(merged, words); err != nil {
						b.Fatal(err)
					}
				}
			}
			var heap runtime.MemStats
			runtime.ReadMemStats(&heap)
			b.ReportMetric(float64(heap.HeapSys)/(1<<20), "MiB-heap")
			if heap.HeapSys > most {
				b.Errorf("%d nodes took %d MiB", nodes, heap.HeapSys>>20)
			}
			runtime.KeepAlive(docs)
		})
	}
}
