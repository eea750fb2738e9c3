package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"coreos-libvirt/internal/config"
	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/libvirt"
	"coreos-libvirt/internal/etcd/discovery"
	"coreos-libvirt/internal/host"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/row"
	"coreos-libvirt/internal/terminal/hint"
	"coreos-libvirt/internal/terminal/mask"
	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/terminal/table"
	"coreos-libvirt/internal/workspace"
)

// diagnosis is what `mage doctor` prints.
type diagnosis struct {
	Versions map[string]string `json:"versions"`
	Checks   []host.Result     `json:"checks"`
	Settings []doctorSetting   `json:"settings"` // that somebody has set
	Nodes    []doctorNode      `json:"nodes"`
	Errors   []doctorError     `json:"errors"`
}

type doctorSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

// doctorNode is a node, and which version of this program made it, if that is known.
type doctorNode struct {
	nodeStatus
	Version string `json:"version,omitempty"`
}

// doctorError is what was said of something that went wrong.
type doctorError struct {
	Of   string `json:"of"` // config, status, a node's console, …
	Text string `json:"text"`
}

// How much of a console and of QEMU's own log is shown, in lines, and how much is read of it, in bytes.
const (
	consoleLines = 20
	qemuLines    = 5
	tailBytes    = 64 << 10
)

// Doctor prints what who looks into a fault has to know, without secrets. It fails of nothing that it finds.
func Doctor(ctx context.Context, r *Run) error {
	r.onlyLook()
	d := diagnosis{Versions: doctorVersions(r), Nodes: []doctorNode{}, Errors: []doctorError{}}
	d.Checks, _ = host.RunAll(ctx, toBeRun(r, 0).All())
	rows, err := r.Rows(config.Beside(configPath(r), "vars.yml"))
	d.add("settings", err)
	secrets := secretsOf(r, rows)
	d.Settings = doctorSettings(rows, secrets)
	_, err = sourceOf(r)
	d.add("config", err)
	d.look(ctx, r)
	if r.Format == "json" {
		shown, err := mask.Value(d, secrets...)
		return errors.Join(err, table.JSON(r.out, shown))
	}
	var text strings.Builder
	err = d.print(&text)
	r.log.Say("%s", mask.Text(strings.TrimSpace(text.String()), secrets...))
	return err
}

// add notes an error. A text that it quotes is left out: that is the user's own.
func (d *diagnosis) add(of string, err error) {
	if err != nil {
		d.Errors = append(d.Errors, doctorError{of, hint.FirstLine(err)})
	}
}

// look sees how the nodes are.
func (d *diagnosis) look(ctx context.Context, r *Run) {
	seen, err := seeStatus(ctx, r, &unitsLook{})
	d.add("status", cmp.Or(err, seen.strangers))
	for _, warning := range seen.warnings {
		d.add("status", errors.New(strings.TrimPrefix(warning, "status: ")))
	}
	unfinished, err := workspace.UnfinishedOf(r.ws(), r.Prefix)
	if d.add("unfinished", err); unfinished.Target != "" {
		d.add("unfinished", fmt.Errorf("a %s has begun and has not ended", unfinished.Target))
	}
	domains, _ := r.domains() // without libvirt there are none, and a check says so
	for _, s := range seen.nodes {
		node := doctorNode{nodeStatus: s}
		if m := domains[s.Node].Metadata; m != nil { // else it has gone since
			node.Version = m.Version
			d.lastWords(r, domains[s.Node], s.Ready)
		}
		d.Nodes = append(d.Nodes, node)
	}
}

// lastWords are the ends of what a node wrote on its console, and of what its QEMU wrote, unless it is ready.
func (d *diagnosis) lastWords(r *Run, domain engine.Domain, ready bool) {
	if ready {
		return
	}
	node := r.ws().NodeOf(domain.Metadata)
	log, err := r.reach().Log(node)
	if err != nil {
		return
	}
	if file, err := log.Open(-tailBytes); err == nil {
		d.end(node.Name+"'s console", file, consoleLines)
	}
	if file, err := os.Open(filepath.Join("/var/log/libvirt/qemu", node.Name+".log")); err == nil { // of qemu:///system, for root
		_, _ = file.Seek(-tailBytes, io.SeekEnd) // from the beginning if it is shorter
		d.end(node.Name+"'s QEMU", file, qemuLines)
	}
}

// end notes the last lines of a file, and closes it. Secrets go before it is cut: their beginning shows what they are.
func (d *diagnosis) end(of string, file io.ReadCloser, lines int) {
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, tailBytes))
	if err != nil || len(text) == 0 {
		return
	}
	all := strings.Split(mask.Text(printable.Text(string(text))), "\n")
	d.Errors = append(d.Errors, doctorError{of, strings.Join(all[max(0, len(all)-lines):], "\n")})
}

// doctorVersions are those of all that a node depends on.
func doctorVersions(r *Run) map[string]string {
	v := launch.Versions(r.Workspace)
	all := map[string]string{
		"coreos-libvirt": cmp.Or(v.Version, "not known"), "commit": fmt.Sprintf("%.12s", v.Commit), "Go": v.Go, "system": v.System,
		"libvirt's library": libraryVersion(libvirt.Library()), "libvirt's binding": v.Binding, "distribution": distribution(), "kernel": kernel(),
	}
	opened, err := r.libvirt()
	if err != nil {
		return all
	}
	for name, ask := range map[string]func() (uint32, uint32, uint32, error){"libvirt": opened.Version, "QEMU": opened.QEMUVersion} {
		if major, minor, release, err := ask(); err == nil {
			all[name] = fmt.Sprintf("%d.%d.%d", major, minor, release)
		}
	}
	return all
}

// distribution is what this host calls itself (os-release(5)).
func distribution() string {
	text, _ := os.ReadFile("/etc/os-release")
	for line := range strings.Lines(string(text)) {
		if name, is := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); is {
			return strings.Trim(name, `"'`)
		}
	}
	return "not known"
}

// kernel is this host's kernel (uname(2)).
func kernel() string {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "not known"
	}
	return unix.ByteSliceToString(name.Release[:])
}

// doctorSettings are those that somebody has set. What the user's own words stand for is nobody else's business.
func doctorSettings(rows []row.Row, secrets []string) []doctorSetting {
	set := []doctorSetting{}
	for _, s := range rows {
		if s.Group == row.YourWords {
			s.Value = mask.Hidden
		}
		if s.From != row.Default {
			set = append(set, doctorSetting{s.Name, mask.Text(s.Value, secrets...), s.From})
		}
	}
	return set
}

// secretsOf are the secrets that this run knows: values of settings, and the cluster's token.
func secretsOf(r *Run, rows []row.Row) (secrets []string) {
	for _, s := range rows {
		if name, own := strings.CutPrefix(s.Name, "var."); own && settings.IsSecret(name, s.Value) {
			secrets = append(secrets, s.Value)
		}
	}
	if _, password, has := strings.Cut(r.DiscoveryUser, ":"); has {
		secrets = append(secrets, password)
	}
	if at, err := url.Parse(r.Settings.Discovery); err == nil && at.Host != "" {
		secrets = append(secrets, strings.Trim(at.Path, "/"))
	}
	if token, there, err := discovery.Read(r.ws().VM(), r.Prefix); err == nil && there {
		secrets = append(secrets, token.ID)
	}
	return secrets
}
