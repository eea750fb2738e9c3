//go:build ignore

// Runs Mage without Mage installed: `go run magefile.go up prefix=core nodes=3`.
package main

import (
	"os"

	"github.com/magefile/mage/mage"

	"coreos-libvirt/internal/launch"
)

func main() {
	for name, value := range launch.Environment() {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(mage.Main())
}
