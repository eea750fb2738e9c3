//go:build lab

package tests

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/testkit/distributor"
)

// aliceKey is a public key of nobody, for a user who only must have it.
const aliceKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBVxxkTyq8DEBu5pfQzAzid4jIdDQhjDgVZGckzV/Q70 alice"

// butaneConfig has one of each thing that must arrive.
const butaneConfig = `variant: fcos
version: 1.5.0
passwd:
  users:
    - name: core
      ssh_authorized_keys: [SSH_Authorized_Key]
    - name: alice
      uid: 1500
      groups: [sudo]
      ssh_authorized_keys: ["` + aliceKey + `"]
storage:
  files:
    - {path: /etc/hostname, mode: 0644, contents: {inline: Node_Name}}
    - {path: /srv/big.txt, mode: 0640, user: {id: 1500}, group: {name: sudo}, contents: {local: big.txt}}
    - {path: /srv/bytes.bin, mode: 0400, contents: {local: bytes.bin}}
    - {path: /srv/Node_Name.conf, contents: {inline: "mirror=Registry_Mirror node=Node_Number/Node_Count mac=Node_MAC"}}
  links:
    - {path: /srv/link, target: /srv/Node_Name.conf}
systemd:
  units:
    - name: hello.service
      enabled: true
      contents: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/sh -c 'echo hello from Node_Name > /srv/hello'
        [Install]
        WantedBy=multi-user.target
    - {name: nope.service, enabled: true, contents: "[Service]\nExecStart=/srv/nope\n[Install]\nWantedBy=multi-user.target\n"}
    - {name: off.service, enabled: false, contents: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}
    - {name: ssh.service, dropins: [{name: 10-words.conf, contents: "[Service]\nEnvironment=NODE=Node_Name\n"}]}
`

// arrives compares what commands print on the cluster's only node, as root, with what they should. All go by one ssh:
// under emulation a session takes seconds.
func (c clone) arrives(t *testing.T, want map[string]string) {
	t.Helper()
	commands := slices.Collect(maps.Keys(want))
	script := ""
	for _, command := range commands {
		script += "(" + command + ") </dev/null; printf '\\000'\n"
	}
	out := c.mage(t, "lab", "ssh", "cmd=echo "+base64.StdEncoding.EncodeToString([]byte(script))+" | base64 -d | sudo sh")
	said := strings.Split(out, "\x00")
	if len(said) != len(commands)+1 {
		t.Fatalf("%d commands, %d answers: %q", len(commands), len(said)-1, out)
	}
	for i, command := range commands {
		if got := strings.TrimSpace(said[i]); got != want[command] {
			t.Errorf("%s: want %q, got %q", command, want[command], got)
		}
	}
}

func butaneArrives(t *testing.T, c clone) {
	big := strings.Repeat("node Node_Name of Cluster_Name, "+strings.Repeat("x", 32)+"\n", 1<<20/64)
	raw := make([]byte, 4096)
	for i := range raw {
		raw[i] = byte(i * 7)
	}
	c.write(t, "ignition/all.yml", butaneConfig)
	c.write(t, "ignition/files/big.txt", big)
	c.write(t, "ignition/files/bytes.bin", string(raw))
	unitsTold(t, c, []string{"lab", "up", "nodes=1", "config=ignition/all.yml", "var.Registry_Mirror=10.0.0.5:5000"})
	replaced := strings.NewReplacer("Node_Name", "core01", "Cluster_Name", "core").Replace(big)
	c.arrives(t, map[string]string{
		"hostname":                                  "core01",
		"sha256sum < /srv/big.txt":                  fmt.Sprintf("%x  -", sha256.Sum256([]byte(replaced))),
		"stat -c %a:%u:%G /srv/big.txt":             "640:1500:sudo",
		"sha256sum < /srv/bytes.bin":                fmt.Sprintf("%x  -", sha256.Sum256(bytes.Clone(raw))),
		"stat -c %a:%U:%G /srv/bytes.bin":           "400:root:root",
		"cat /srv/core01.conf":                      "mirror=10.0.0.5:5000 node=1/1 mac=" + c.mac(t),
		"stat -c %a:%U:%G /srv/core01.conf":         "644:root:root",
		"readlink /srv/link":                        "/srv/core01.conf",
		"cat /srv/hello":                            "hello from core01",
		"systemctl is-enabled hello off.service||:": "enabled\ndisabled",
		"systemctl show -P Environment ssh":         "NODE=core01",
		"id -u alice; id -nG alice":                 "1500\nalice sudo",
		"cat ~alice/.ssh/authorized_keys*/*":        aliceKey,
	})
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

// unitsTold runs an up of a config whose service cannot be executed: the node is ready, its lines are shown, and that is an error.
func unitsTold(t *testing.T, c clone, up []string) {
	t.Helper()
	out, err := c.try(append(up, "units=fail")...)
	t.Logf("up says\n%s", out)
	if err == nil || !strings.Contains(out, "core01: ready, ") || !strings.Contains(out, "failed: nope.service\ncore01: nope.service has failed: exit-code, status 203/EXEC\n    20") ||
		!strings.Contains(out, "Failed at step EXEC spawning /srv/nope: No such file or directory\n") ||
		!strings.Contains(out, "Error: core01: nope.service of the config failed\nhint: ") || !strings.Contains(out, " lab journal node=core01 unit=nope.service` shows ") {
		t.Fatalf("got %v\n%s", err, out)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "vm/core01/fresh")); err == nil {
		t.Error("the node was ready, and may be recreated unasked")
	}
	if out := c.mage(t, "lab", "journal", "unit=nope"); strings.Contains(out, "core01 20") || !strings.Contains(out, "status=203/EXEC\n") {
		t.Errorf("got\n%s", out)
	}
	if out, err := c.try("lab", "units", "node=core01", "units=fail"); err == nil || !regexp.MustCompile(`(?m)^core01 +hello\.service +active \(exited\) +0 +the config$`).MatchString(out) {
		t.Errorf("got %v\n%s", err, out)
	}
	followed(t, c)
}

// followed reads the journal until Ctrl-C, with which nothing goes on in the node.
func followed(t *testing.T, c clone) {
	t.Helper()
	cmd := c.command("lab", "journal", "follow=true")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	distributor.Must(t, err)
	distributor.Must(t, cmd.Start())
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || !strings.HasPrefix(line, "20") {
		t.Errorf("got %q, %v", line, err)
	}
	distributor.Must(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGINT))
	go func() { _, _ = io.Copy(io.Discard, out) }()
	if err := cmd.Wait(); err != nil {
		t.Errorf("Ctrl-C: got %v", err)
	}
	if out := c.mage(t, "lab", "ssh", "cmd=sleep 3; pgrep -x journalctl || echo none"); strings.TrimSpace(out) != "none" {
		t.Errorf("journalctl goes on in the node: %s", out)
	}
}

// mac is the address that the domain's network card has.
func (c clone) mac(t *testing.T) string {
	t.Helper()
	return strings.Fields(c.inLab(t, "virsh", "-q", "domiflist", "core01"))[4]
}

// seedHash is the password's in the script's description.
const seedHash = "$6$ct4dIwnHLjzCVb5W$CVtVgXNHkUuZRog6eXpORpfP4tvBVxY0jw4UYz5VfHZfJSzM4cP9Opl5D15KLdxbZCnaZqTF04lcWsf2nejcE1"

// seedArrives boots the config of the script's description, with a way in laid over it.
func seedArrives(t *testing.T, c clone) {
	c.write(t, "ignition/nodes/core01.yml", "variant: flatcar\nversion: 1.1.0\npasswd: {users: [{name: core, ssh_authorized_keys: [SSH_Authorized_Key]}]}\n")
	c.mage(t, "lab", "up", "nodes=1", "config=ignition/examples/seed.yml")
	keys := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBVxxkTyq8DEBu5pfQzAzid4jIdDQhjDgVZGckzV/Q70\n" +
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBLPwh4f8WpCtb/EOpuz3U4ECTviSW7tBDQvWpndcD2q"
	c.arrives(t, map[string]string{
		"hostname":                                           "core01",
		"stat -c %a:%U:%G /etc/hostname":                     "420:root:root",
		"getent shadow core | cut -d: -f2":                   seedHash,
		"getent shadow root | cut -d: -f2":                   seedHash,
		"cat ~root/.ssh/authorized_keys*/*":                  keys,
		"grep -v cluster-core ~core/.ssh/authorized_keys*/*": keys,
		"head -n2 /etc/systemd/network/20-dhcp.network":      "[Match]\nName=e*",
	})
	c.mage(t, "lab", "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
}

// containerLinux has one of each thing that must arrive, and what Ignition 2 knew otherwise than 3: networkd, file
// systems by name, one unit from two places, create.
const containerLinux = `passwd:
  users:
    - name: core
      ssh_authorized_keys: [SSH_Authorized_Key]
    - name: bob
      password_hash: "` + seedHash + `"
      ssh_authorized_keys: ["` + aliceKey + `"]
      create: {uid: 1600, groups: [sudo], shell: /bin/bash}
  groups:
    - {name: team, gid: 1700}
update:
  group: stable
docker:
  flags: [--debug]
networkd:
  units:
    - name: 20-dhcp.network
      contents: |
        [Match]
        Name=e*
        [Network]
        DHCP=yes
      dropins:
        - {name: 10-domain.conf, contents: "[Network]\nDomains=Node_Name.example\n"}
storage:
  filesystems:
    - {name: app, path: /srv/app}
  files:
    - {filesystem: root, path: /etc/hostname, mode: 0644, contents: {inline: Node_Name}}
    - {filesystem: app, path: /local.txt, mode: 0640, user: {id: 1600}, group: {id: 1700}, contents: {local: local.txt}}
    - {filesystem: root, path: /srv/remote, mode: 0400, contents: {remote: {url: "data:;base64,H4sIAAAAAAACA8vPSwUA8YZsegMAAAA=", compression: gzip}}}
    - {filesystem: root, path: /srv/twice, mode: 0644, contents: {inline: earlier}}
    - {filesystem: root, path: /srv/twice, mode: 0600, contents: {inline: later}}
  directories:
    - {filesystem: root, path: /srv/dir, mode: 0710, user: {id: 1600}}
  links:
    - {filesystem: root, path: /srv/link, target: /srv/twice}
systemd:
  units:
    - name: hello.service
      enable: true
      contents: |
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/sh -c 'echo hello from Node_Name > /srv/hello'
        [Install]
        WantedBy=multi-user.target
    - {name: nope.service, enabled: true, contents: "[Service]\nExecStart=/srv/nope\n[Install]\nWantedBy=multi-user.target\n"}
    - {name: off.service, enabled: false, contents: "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"}
    - {name: never.service, mask: true}
    - {name: ssh.service, dropins: [{name: 10-words.conf, contents: "[Service]\nEnvironment=NODE=Node_Name\n"}]}
    - {name: docker.service, enabled: false, dropins: [{name: 30-mine.conf, contents: "[Service]\nEnvironment=MINE=1\n"}]}
`

// containerLinuxArrives boots it and finds each part.
func containerLinuxArrives(t *testing.T, c clone) {
	c.write(t, "ignition/clc.yml", containerLinux)
	local := "of Node_Name\n" + strings.Repeat("\t%\"'\n", 100)
	c.write(t, "ignition/files/local.txt", local)
	c.mage(t, "lab", "up", "nodes=1", "config=ignition/clc.yml")
	sum := func(text string) string { return fmt.Sprintf("%x  -", sha256.Sum256([]byte(text))) }
	const network = "/etc/systemd/network/20-dhcp.network"
	c.arrives(t, map[string]string{
		"hostname":               "core01",
		"sha256sum < " + network: sum("[Match]\nName=e*\n[Network]\nDHCP=yes\n"),
		"sha256sum < " + network + ".d/10-domain.conf":                            sum("[Network]\nDomains=core01.example\n"),
		"stat -c %a:%U:%G " + network + " " + network + ".d/*":                    "644:root:root\n644:root:root",
		"sha256sum < /srv/app/local.txt":                                          sum(strings.ReplaceAll(local, "Node_Name", "core01")),
		"stat -c %a:%U:%G /srv/app/local.txt":                                     "640:bob:team",
		"cat /srv/remote; stat -c %a:%U:%G /srv/remote":                           "one400:root:root",
		"cat /srv/link; stat -c %a:%U:%G /srv/twice":                              "later600:root:root",
		"stat -c %a:%U:%G /srv/dir":                                               "710:bob:root",
		"cat /etc/coreos/update.conf":                                             "GROUP=stable",
		"cat /srv/hello":                                                          "hello from core01",
		"systemctl is-enabled hello off.service never.service docker||:":          "enabled\ndisabled\nmasked\ndisabled",
		"systemctl show -P Environment ssh; systemctl show -P Environment docker": "NODE=core01\nDOCKER_OPTS=--debug MINE=1",
		"id -u bob; id -nG bob; getent passwd bob | cut -d: -f7":                  "1600\nbob sudo\n/bin/bash",
		"getent shadow bob | cut -d: -f2; cat ~bob/.ssh/authorized_keys*/*":       seedHash + "\n" + aliceKey,
	})
	c.mage(t, "lab", "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
}

// fetchedBoots has the lab's own image served as Fedora CoreOS is, compressed and signed, on the real
// network: it is fetched before the lab is entered, and boots there.
func fetchedBoots(t *testing.T, c clone) {
	d := distributor.New(t)
	path, built := guestimage.Path(cache, guestimage.Lab)
	if !built {
		t.Fatalf("there is no %s", path)
	}
	var err error
	d.Image, err = os.ReadFile(path)
	distributor.Must(t, err)
	d.FCOS(t, distributor.Packed(t, d.Image, "xz", "-T0", "-0"))
	c.env = append(c.env, "SSL_CERT_FILE="+d.Authority(t))
	c.env = append(c.env, "COREOS_NODES=1", "COREOS_IMAGE=fcos-stable", "COREOS_FCOS_URL="+d.URL, "COREOS_KEYRING="+distributor.Keyring(t, d.Key), "COREOS_STORE="+t.TempDir())
	out := c.mage(t, "lab", "up")
	if !strings.Contains(out, "fetched and verified") || len(readyNode.FindAllString(out, -1)) != 1 {
		t.Errorf("got\n%s", out)
	}
	if out := c.mage(t, "lab", "images"); !strings.Contains(out, "core01") {
		t.Errorf("images: got\n%s", out)
	}
	if out := c.mage(t, "lab", "prune"); !strings.Contains(out, "nothing to remove") {
		t.Errorf("prune: got\n%s", out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
	if out := c.mage(t, "lab", "prune"); !strings.Contains(out, "removed") {
		t.Errorf("prune after down: got\n%s", out)
	}
}

// onANetwork boots a node on a libvirt network of its own instead of the bridge: etcd finds the discovery
// service there, and ssh the node.
func onANetwork(t *testing.T, c clone) {
	xml := filepath.Join(t.TempDir(), "net.xml")
	network := "<network><name>lone</name><bridge name='lone0'/><ip address='10.78.0.1' netmask='255.255.255.0'><dhcp><range start='10.78.0.10' end='10.78.0.20'/></dhcp></ip></network>"
	distributor.Must(t, os.WriteFile(xml, []byte(network), 0o600))
	c.mage(t, "lab")
	c.inLab(t, "virsh", "-q", "net-define", xml)
	if out, err := c.try("lab", "up", "nodes=1", "network=lone"); err == nil || !strings.Contains(out, "network=lone: it is not active\nhint: virsh net-start lone") {
		t.Errorf("got %v\n%s", err, out)
	}
	c.inLab(t, "virsh", "-q", "net-start", "lone")
	out := c.mage(t, "lab", "up", "nodes=1", "network=lone")
	if !strings.Contains(out, "core01: ready, 10.78.0.1") || !strings.Contains(out, "healthy, leader") {
		t.Errorf("got\n%s", out)
	}
	c.arrives(t, map[string]string{"hostname": "core01"})
	c.mage(t, "lab", "down", "all=true", "yes=true")
	c.inLab(t, "virsh", "-q", "net-destroy", "lone")
	c.inLab(t, "virsh", "-q", "net-undefine", "lone")
}

// onACard has two nodes share a card by macvtap, the lab's bridge for lack of a card: without a link of the
// host's own beside them, what needs to reach them is refused before anything is made.
func onACard(t *testing.T, c clone) {
	c.mage(t, "lab")
	out, err := c.try("lab", "up", "nodes=1", "direct=br0")
	if err == nil || !strings.Contains(out, "direct=br0: macvtap keeps this host from its own guests") || !strings.Contains(out, "\nhint: nmcli connection add type macvlan") {
		t.Errorf("got %v\n%s", err, out)
	}
	if domains := strings.TrimSpace(c.inLab(t, "virsh", "-q", "list", "--all", "--name")); domains != "" {
		t.Errorf("libvirt has %s", domains)
	}
	c.inLab(t, "sh", "-ec", `ip link add link br0 name own type macvlan mode bridge
		ip link set own up
		ip address add 10.77.0.3/24 dev own noprefixroute
		ip route add 10.77.0.0/25 dev own src 10.77.0.3
		ip route add 10.77.0.128/25 dev own src 10.77.0.3`)
	out = c.mage(t, "lab", "up", "nodes=2", "direct=br0")
	if len(readyNode.FindAllString(out, -1)) != 2 || !strings.Contains(out, "http://10.77.0.3:") {
		t.Errorf("got\n%s", out)
	}
	if out := c.mage(t, "lab", "ssh", "node=core02", "cmd=cat /etc/hostname"); !strings.Contains(out, "core02") {
		t.Errorf("got\n%s", out)
	}
	if out := c.mage(t, "lab", "up", "nodes=2", "direct=br0"); !strings.Contains(out, "core01: defined, unchanged") {
		t.Errorf("again: got\n%s", out)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
	c.nothingIsLeft(t)
	c.inLab(t, "ip", "link", "delete", "own")
}
