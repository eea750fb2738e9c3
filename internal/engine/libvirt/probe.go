//go:build cgo && libvirt_dlopen

package libvirt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"coreos-libvirt/internal/engine/libvirt/refusal"

	"libvirt.org/go/libvirt"

	"coreos-libvirt/internal/engine/libvirt/domainxml"
	"coreos-libvirt/internal/engine/libvirt/probekernel"
	"coreos-libvirt/internal/engine/libvirt/state"
	"coreos-libvirt/internal/terminal/hint"
)

const (
	// probeRuns is how long a domain without code of ours runs: if KVM does not run its processor, QEMU says so in a fraction of that.
	probeRuns = 20 * time.Millisecond
	probePoll = 2 * time.Millisecond
	// probeAnswers is how much processor time the firmware and the kernel may take. A KVM that works takes 0.3 s.
	probeAnswers = 3 * time.Second
	// probeWaits is how long they may take if they use none, or get none: a host may have much else to do.
	probeWaits = 30 * time.Second
)

// Probe starts a domain without disks by accel ("kvm", or "qemu" for TCG) and ends it: a KVM that is there but does not work
// fails here, be it when QEMU sets the processor up, when that is to run, or because it runs no 64-bit code. What the domain
// boots is put for that time into dir, which QEMU must reach; without one it only starts, for a host whose files are not this one's.
func (h *host) Probe(accel, arch, dir string) error {
	kernel, remove, err := probeKernel(arch, dir)
	if err != nil {
		return err
	}
	defer remove()
	name := fmt.Sprintf("coreos-libvirt-probe-%d", os.Getpid())
	xml, err := domainxml.Probe(name, accel, arch, kernel)
	if err != nil {
		return err
	}
	return h.use(func(conn *libvirt.Connect) error {
		dom, err := conn.DomainCreateXML(xml, libvirt.DOMAIN_START_PAUSED|libvirt.DOMAIN_START_AUTODESTROY)
		if err != nil {
			return startError(refusal.Plain(err))
		}
		defer func() { _ = dom.Free() }()
		if kernel == "" {
			err = runs(dom)
		} else {
			err = h.answers(dom, name)
		}
		_ = dom.Destroy() // one that ended by itself is gone
		return err
	})
}

// probeKernel is the file that the domain boots, and what removes it. Its path is empty for processors that have only
// 64-bit code: there firmware shows what a kernel would.
func probeKernel(arch, dir string) (path string, remove func(), err error) {
	if arch != "x86_64" || dir == "" {
		return "", func() {}, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", nil, err
	}
	path = filepath.Join(dir, fmt.Sprintf(".kvm-probe-%d", os.Getpid()))
	if err := os.WriteFile(path, probekernel.Program(), 0o644); err != nil {
		return "", nil, err
	}
	return path, func() { _ = os.Remove(path) }, nil
}

// answers lets the domain run until its console shows what the kernel writes.
func (h *host) answers(dom *libvirt.Domain, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), probeWaits)
	var watching sync.WaitGroup
	defer func() { cancel(); watching.Wait() }()
	console, err := ports{h.connection}.Console(ctx, name)
	if err != nil {
		return err
	}
	defer console.Close()
	if err := dom.Resume(); err != nil {
		return startError(fmt.Errorf("KVM runs no processor: %w", refusal.Plain(err)))
	}
	watching.Go(func() { spend(ctx, dom, probeAnswers); cancel() })
	shown, piece := "", make([]byte, 256)
	for n := 0; err == nil; n, err = console.Read(piece) {
		shown += strings.ReplaceAll(string(piece[:n]), "\r", "")
		if strings.HasSuffix(shown, probekernel.Answer) {
			return nil
		}
	}
	if err := alive(dom); err != nil {
		return err
	}
	return hint.Errorf(emulate, "KVM starts, and runs no 64-bit code within %s of processor time: it would come to no kernel", probeAnswers)
}

// spend waits until the domain has used that much processor time, or has ended, or ctx does.
func spend(ctx context.Context, dom *libvirt.Domain, most time.Duration) {
	for ctx.Err() == nil {
		info, err := dom.GetInfo()
		if err != nil || float64(info.CpuTime) >= float64(most) {
			return
		}
		time.Sleep(probePoll * 10)
	}
}

// emulate is the hint of a KVM that does not work.
const emulate = "this host's KVM does not work, as in virtual machines whose own host does not nest: accel=tcg emulates, slowly but without it"

// runs lets the domain run for some milliseconds, and says why it does not.
func runs(dom *libvirt.Domain) error {
	if err := dom.Resume(); err != nil {
		return startError(fmt.Errorf("KVM runs no processor: %w", refusal.Plain(err)))
	}
	for deadline := time.Now().Add(probeRuns); time.Now().Before(deadline); time.Sleep(probePoll) {
		if err := alive(dom); err != nil {
			return err
		}
	}
	return nil
}

// alive makes sure that the domain runs.
func alive(dom *libvirt.Domain) error {
	now, reason, err := dom.GetState()
	if err != nil {
		return startError(fmt.Errorf("KVM runs no processor: %w", refusal.Plain(err)))
	}
	return halted(now, reason)
}

// halted says of a state that a domain has which could not go on, as after a KVM_RUN that fails.
func halted(now libvirt.DomainState, reason int) error {
	if now == libvirt.DOMAIN_RUNNING || now == libvirt.DOMAIN_BLOCKED {
		return nil
	}
	return hint.Errorf(emulate,
		"KVM runs no processor: %w", errors.New("the domain is "+string(state.Named(now, reason))+fmt.Sprintf(" (libvirt's reason %d) at once", reason)))
}
