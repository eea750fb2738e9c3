package command

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"slices"

	"coreos-libvirt/internal/cluster/facts"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/etcd"
	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/image/base"
	"coreos-libvirt/internal/lab"
	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/secret"
	"coreos-libvirt/internal/settings/targets"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/upstream"
	"coreos-libvirt/internal/workspace"
	"coreos-libvirt/internal/workspace/session"
)

// Lab makes what is missing of the lab and runs the targets inside it, with the settings among them.
// Whatever needs the internet happens before: inside there is none.
func Lab(ctx context.Context, r *Run, words []string) error {
	if r.InLab {
		return hint.Errorf("leave the word lab out", "this is the inside of the lab already")
	}
	if err := bringForLab(ctx, r, words); err != nil {
		return err
	}
	program, err := labProgram(r.Workspace)
	if err != nil {
		return err
	}
	world := lab.New(r.Workspace, r.Cache, r.Store)
	if err := world.Up(ctx, hypervisorsForLab(r), r.log.Say); err != nil {
		return err
	}
	if err := reserveInLab(ctx, r, world); err != nil {
		return err
	}
	if len(words) == 0 {
		r.log.Say("the lab is up; what follows the word lab runs inside it: lab up prefix=core nodes=3")
		return nil
	}
	args, variables := secret.Exported(words)
	cmd := world.Command(ctx, program, args...)
	cmd.Env = append(append(os.Environ(), variables...), settings.LabVariable+"=1", launch.CalledAs(launch.Called()))
	if err := passListener(cmd, r.Settings, words); err != nil {
		return err
	}
	return inside(cmd)
}

// bringForLab gets what the targets inside need of the internet.
func bringForLab(ctx context.Context, r *Run, words []string) error {
	if err := prepareLab(ctx, r.etcd, r.log.Say); err != nil {
		return err
	}
	if err := kubernetesForLab(ctx, r); err != nil {
		return err
	}
	if hasTarget(words, "bench") {
		if err := host.EnsurePackages(ctx, benchPackages, r.log.Say); err != nil {
			return err
		}
	}
	if needsImage(words) {
		if err := imagesForLab(ctx, r); err != nil {
			return err
		}
	}
	if r.Verify && needsJudges(words) {
		if _, err := upstream.Ensure(ctx, bin(r), r.log.Say); err != nil { // inside, where nothing can be fetched, verify says so again
			r.log.Say("verify: %s", hint.FirstLine(err))
		}
	}
	return nil
}

// kubernetesForLab builds what the run inside asks Kubernetes by, if its nodes are there.
func kubernetesForLab(ctx context.Context, r *Run) error {
	inside, err := insideOf(r)
	if err != nil || !OnKubernetes(inside) {
		return nil //nolint:nilerr // what is wrong with its settings that run says
	}
	_, err = kubeProgram(r).Build(ctx)
	return err
}

// passListener opens the port of this host at which a forward inside the lab listens: the lab's own would be seen by nobody
// outside. A socket stays in the network namespace in which it was made (namespaces(7)).
func passListener(cmd *exec.Cmd, s *settings.Settings, words []string) error {
	line, err := targets.Parse(words)
	forwards := func(t targets.Target) bool { return t.Name == "forward" }
	if err != nil || s.Port.There == 0 || !slices.ContainsFunc(line.Targets, forwards) {
		return err
	}
	lab := *s
	lab.InLab = true
	listener, err := listenHere(&lab, cmp.Or(s.Node, "core01"))
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	file, err := listener.File()
	cmd.ExtraFiles = append(cmd.ExtraFiles, file)
	cmd.Env = append(cmd.Env, settings.ListenerVariable+"=1")
	return err
}

// hypervisorsForLab is how many hypervisors the cluster that the run inside is about is on. What is wrong with its settings that
// run says.
func hypervisorsForLab(r *Run) int {
	inside, err := insideOf(r)
	if err != nil {
		return 0
	}
	uris := []string{inside.URI}
	for _, h := range inside.Hosts {
		uris = append(uris, h.URI)
	}
	return lab.HostsIn(uris...)
}

// insideOf is the run inside the lab, as far as its settings go.
func insideOf(r *Run) (*Run, error) {
	env, here := settings.System().Inside(), r.ws()
	s, err := settings.LoadOf(r.Words, env, known(placeOf(here, env), nil))
	if err != nil {
		return nil, err
	}
	inside := newRun(s, here)
	inside.log = r.log
	return inside, nil
}

// fetchForLab gets an image from the network while there is one.
func fetchForLab(ctx context.Context, o base.Options) error {
	if !base.IsRemote(o.Image) {
		return nil
	}
	_, release, err := base.Fetch(ctx, o)
	release() // the run inside takes its own
	return err
}

// labProgram is this program, or if it was built without a C compiler one that can talk to libvirt: now that there is a
// compiler, and while there is internet for what it needs then.
func labProgram(workspace string) (string, error) {
	if libvirt.Available {
		return os.Executable()
	}
	return launch.Targets(workspace)
}

// Labdown takes the lab apart.
func Labdown(ctx context.Context, r *Run) error {
	if r.InLab {
		return hint.Errorf("run it without the word lab", "the lab cannot be taken apart from its inside")
	}
	if err := unprotected(r, "labdown", r.at().ClustersInLab()); err != nil {
		return err
	}
	if err := lab.New(r.Workspace, r.Cache, r.Store).Down(ctx, r.log.Say); err != nil {
		return err
	}
	return goneWithLab(r.at())
}

// goneWithLab notes of the nodes that were in the lab that their domains are no more: their disks may go, too.
func goneWithLab(at facts.Place) error {
	entries, _ := os.ReadDir(at.VM())
	for _, entry := range entries {
		node := workspace.Node{Name: entry.Name(), Dir: at.VM(entry.Name())}
		if m := at.Made(node); m == nil || !m.InLab() {
			continue
		}
		if err := node.MarkLeaving(); err != nil {
			return err
		}
	}
	return nil
}

// prepareLab makes sure of what the lab is made with, and of the helper program.
func prepareLab(ctx context.Context, helper etcd.Helper, say func(string, ...any)) error {
	if os.Getuid() != 0 {
		return hint.Errorf(host.Sudo("mage lab"), "the lab makes namespaces and needs root")
	}
	if err := host.EnsurePackages(ctx, lab.Packages, say); err != nil {
		return err
	}
	_, err := helper.Build(ctx, say)
	return err
}

// needsImage reports whether one of the targets needs an image: some look at nodes that are there, or take them away. A lab
// without targets gets one, for those that come.
func needsImage(words []string) bool {
	line, err := targets.Parse(words)
	return err != nil || len(line.Targets) == 0 || slices.ContainsFunc(line.Targets, func(t targets.Target) bool { return !t.NoImage })
}

// needsJudges reports whether one of the targets judges documents.
func needsJudges(words []string) bool {
	line, err := targets.Parse(words)
	return err == nil && slices.ContainsFunc(line.Targets, func(t targets.Target) bool { return t.Has("verify") || t.Name == "verify" })
}

// hasTarget reports whether the target is one of those that run inside.
func hasTarget(words []string, name string) bool {
	line, err := targets.Parse(words)
	return err == nil && slices.ContainsFunc(line.Targets, func(t targets.Target) bool { return t.Name == name })
}

// imagesForLab builds or fetches the images that nodes in the lab boot from: those of the cluster that the run inside is about.
func imagesForLab(ctx context.Context, r *Run) error {
	inside, err := insideOf(r)
	if err != nil {
		return err
	}
	done := map[string]bool{}
	for _, p := range partsOf(inside) {
		if done[p.Image] {
			continue
		}
		done[p.Image] = true
		if err := imageForLab(ctx, inside, p.Settings); err != nil {
			return err
		}
	}
	return nil
}

// imageForLab builds or fetches the image of those settings.
func imageForLab(ctx context.Context, r *Run, s *settings.Settings) error {
	name := s.Image
	if !slices.Contains(guestimage.Names, name) {
		if OnKubernetes(r) {
			return nil // which imports it
		}
		return fetchForLab(ctx, imageOptionsOf(r, s, false))
	}
	if _, built := guestimage.Path(r.Cache, name); built {
		return nil
	}
	if err := needsGo("the lab's guest image"); err != nil {
		return err
	}
	if err := host.EnsurePackages(ctx, guestimage.Packages, r.log.Say); err != nil {
		return err
	}
	_, err := guestimage.Ensure(ctx, r.Cache, r.Workspace, name, r.log.Say)
	return err
}

// inside runs the program there; a session.ExitStatus is its own.
func inside(cmd *exec.Cmd) error {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return session.InPlace(endsByItself(cmd))
}
