//go:build ignore

// Runs Mage without Mage installed: `go run magefile.go up prefix=core nodes=3`.
package main

import (
	"os"

	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/launch/launcher"
)

func main() {
	for name, value := range launch.Environment() {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(launcher.Main())
}
