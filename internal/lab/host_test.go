package lab

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// private begins a machine of its own, so that nothing is done to this one: folders that the lab's host needs are empty, /etc
// is a copy. Its words are the test's folder, and those of host.sh.
const private = `set -euo pipefail
tmp=$1 script=$2; shift 2
mkdir -p "$tmp/etc"
cp -ax /etc/. "$tmp/etc"
for folder in /run /var; do mount -t tmpfs tmpfs $folder; done
mkdir -p /run/lock /var/lib /var/log /var/cache
mount --bind "$tmp/etc" /etc
echo mounted >"$tmp/a-file"
touch /etc/lab-test.conf
mount --bind "$tmp/a-file" /etc/lab-test.conf
unshare --mount --net --propagation private -- bash -c "$script" lab-host "$@" &
host=$!
trap 'kill $host' EXIT
while [ ! -e "${!#}" ]; do kill -0 $host; sleep 0.05; done
for database in passwd group; do # what useradd does, after it has added its line
  cp /etc/$database /etc/$database.new
  echo "lab-test:x:60123:" >>/etc/$database.new
  mv /etc/$database.new /etc/$database
done
grep -q lab-test /etc/passwd
nsenter --target $host --mount -- bash -c 'grep -h ^libvirt-qemu: /etc/passwd /etc/group; cat /etc/lab-test.conf; ls -d /etc/libvirt/qemu; touch /etc/of-the-lab /run/lock/of-the-lab'
ls /etc/of-the-lab /run/lock/of-the-lab 2>/dev/null || echo "the real host has nothing of it"
`

// TestTheLabSurvivesUseradd: it renames a new /etc/passwd over the real host's, and what was mounted there goes. Files of the lab's own
// stay there: another lab's libvirtd would take a lock on a guest's channel for one of its own.
func TestTheLabSurvivesUseradd(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("makes namespaces, which needs root")
	}
	tmp := t.TempDir()
	dir := filepath.Join(tmp, "labs", "state")
	if err := os.MkdirAll(filepath.Join(dir, "etc", "qemu"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cache", "store"} {
		if err := os.Mkdir(filepath.Join(tmp, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "resolv.conf"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "unshare", "--mount", "--propagation", "private", "--", "bash", "-c", private, "private", tmp, hostScript,
		dir, filepath.Join(tmp, "cache"), filepath.Join(tmp, "store"), "br0", hostCIDR, filepath.Join(dir, "made"))
	out, err := cmd.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	want := []string{"libvirt-qemu:x:", "libvirt-qemu:x:", "mounted", "/etc/libvirt/qemu", "the real host has nothing of it"}
	if err != nil || len(lines) != len(want) {
		t.Fatalf("%v\n%s", err, out)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("want %s, got %s", want[i], lines[i])
		}
	}
}
