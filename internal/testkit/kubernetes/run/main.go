// The program that runs the Kubernetes of package kubernetes until it is interrupted, or until its standard input ends: for whoever
// works on engine=kubevirt, and for tests that have it inside a lab's network.
//
//	go run ./internal/testkit/kubernetes/run
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/testkit/kubernetes"
)

func main() {
	store := flag.String("store", "/var/cache/coreos-libvirt", "where programs are built into, and the lab's images are")
	dir := flag.String("dir", "", "folder of the cluster's files, empty or not there; a new one if it is not said")
	boots := flag.Bool("boots", false, "boot machines, by QEMU from the lab's image: it must run where their bridge is")
	build := flag.Bool("build", false, "build the programs, and with -boots what machines boot, and end")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *store, *dir, *build, *boots)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, store, dir string, onlyBuild, boots bool) (err error) {
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	programs, err := kubernetes.Ensure(ctx, filepath.Join(store, "bin"), say)
	var image kubernetes.Image
	if err == nil && boots {
		image, err = kubernetes.LabImage(ctx, store, say)
	}
	if err != nil || onlyBuild {
		return err
	}
	if dir == "" {
		if dir, err = os.MkdirTemp("", "coreos-libvirt-kubernetes-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	begin := time.Now()
	cluster, err := kubernetes.Start(ctx, kubernetes.Options{Programs: programs, Etcd: guestimage.Etcd(store), Dir: dir, Image: image})
	if err != nil {
		return err
	}
	defer cluster.End()
	say("kubernetes: ready after %.0f s; logs are in %s", time.Since(begin).Seconds(), cluster.Logs())
	fmt.Printf("export KUBECONFIG=%s PATH=%s:$PATH\n", cluster.Kubeconfig, filepath.Dir(cluster.Kubectl()))
	wait(ctx)
	return nil
}

// wait waits for an interruption, or for the end of standard input if that is a pipe: of a shell's background it is none.
func wait(ctx context.Context) {
	ctx, end := context.WithCancel(ctx)
	defer end()
	if info, err := os.Stdin.Stat(); err == nil && info.Mode()&os.ModeNamedPipe != 0 {
		go func() { _, _ = io.Copy(io.Discard, os.Stdin); end() }()
	}
	<-ctx.Done()
}
