package etcd

import (
	"os"
	"testing"
)

// standIn is a helper that another program stands in for.
func standIn(t *testing.T, script string) Helper {
	t.Helper()
	helper := NewHelper("../..", t.TempDir())
	path, _, err := helper.running.Program.Built()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(helper.Close)
	return helper
}
