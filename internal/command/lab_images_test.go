//go:build cgo && libvirt_dlopen

package command

import (
	"os"
	"strings"
	"testing"
)

// TestTheLabHasTheImagesOfTheClustersFile: what the run inside boots is fetched before, while there is a network. Nobody listens
// at the port that the image is at.
func TestTheLabHasTheImagesOfTheClustersFile(t *testing.T) {
	unsaid(t)
	save(t, "clusters/core.yml", "image: base.qcow2\ngroups:\n  control: {nodes: 1}\n  worker: {nodes: 2, image: 'https://127.0.0.1:1/worker.qcow2', sha256: "+strings.Repeat("a", 64)+"}\n")
	r, err := NewAbout([]string{"recreate=core-worker02"}, About{Lab: true}, os.Stdout)
	if err != nil {
		t.Fatalf("the run inside knows the cluster's nodes, this one does not: %v", err)
	}
	if err := imagesForLab(t.Context(), r); err == nil || !strings.Contains(err.Error(), "https://127.0.0.1:1/worker.qcow2") {
		t.Errorf("got %v", err)
	}
	r, err = NewAbout([]string{"recreate=core-worker03"}, About{Lab: true}, os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	if err := imagesForLab(t.Context(), r); err == nil || !strings.Contains(err.Error(), `"core-worker03" is not a node of this cluster`) {
		t.Errorf("got %v", err)
	}
}

// TestTheLabFetchesNoImageForKubernetes, which imports it. Nobody listens at the port that it is at.
func TestTheLabFetchesNoImageForKubernetes(t *testing.T) {
	unsaid(t)
	save(t, "clusters/core.yml", "engine: kubevirt\nnodes: 1\nimage: https://127.0.0.1:1/kubevirt.qcow2\n")
	r, err := NewAbout(nil, About{Lab: true}, os.Stdout)
	if err != nil {
		t.Fatal(err)
	}
	if err := imagesForLab(t.Context(), r); err != nil {
		t.Error(err)
	}
}
