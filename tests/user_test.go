//go:build lab

package tests

import (
	"cmp"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coreos-libvirt/internal/lab/guestimage"
	"coreos-libvirt/internal/testkit/distributor"
	"coreos-libvirt/internal/testkit/pace"
)

// asUser runs, inside the lab, what its first argument says, as a user who is in no group. /etc is overlaid,
// so that nothing of this machine's changes: the user is in its databases, and QEMU's helper is as
// `mage host:setup uri=qemu:///session` makes it. Arguments: script, clone, image, helper program.
const asUser = `set -e
mount -t tmpfs -o size=12G tmpfs /mnt
own=/mnt/too-long-for-channels
mkdir $own $own/upper $own/work $own/home
mount -t overlay -o lowerdir=/etc,upperdir=$own/upper,workdir=$own/work overlay /etc
echo "tester:x:1500:1500::$own/home:/bin/bash" >>/etc/passwd
echo "tester:x:1500:" >>/etc/group
grep -q ^libvirt: /etc/group || echo "libvirt:x:1501:" >>/etc/group
mkdir -p /etc/qemu $own/home/.cache/coreos-libvirt
echo "allow br0" >/etc/qemu/bridge.conf
cp /usr/lib/qemu/qemu-bridge-helper $own/
chmod 4755 $own/qemu-bridge-helper
mount --bind $own/qemu-bridge-helper /usr/lib/qemu/qemu-bridge-helper
cp -r "$1" $own/clone
cp -r "$3" $own/home/.cache/coreos-libvirt/
mkdir -p /run/user
mount -t tmpfs tmpfs /run/user
mkdir /run/user/1500
chown -R 1500:1500 $own/home $own/clone /run/user/1500
cd $own/clone
exec setpriv --reuid 1500 --regid 1500 --clear-groups env -i PATH=/usr/bin:/bin:/usr/sbin:"$4" HOME=$own/home \
  XDG_RUNTIME_DIR=/run/user/1500 USER=tester COREOS_ACCEL=tcg COREOS_VCPU=1 COREOS_RAM=512 COREOS_NODES=1 COREOS_IMAGE="$2" sh -c "$0"
`

// plainUser runs targets as somebody with no rights: with a libvirt of the user's own the whole story, with the
// system's each target either works or ends with the command that gives the right.
func plainUser(t *testing.T, c clone) {
	c.mage(t, "lab")
	t.Run("a libvirt of the user's own", func(t *testing.T) {
		out := c.asUser(t, "export COREOS_URI=qemu:///session; ./targets host:check; ./targets up && ./targets ssh cmd=hostname && ./targets etcd && ./targets down prefix=core")
		for _, want := range []string{
			"ok    rights               a libvirt of the user's own", "ok    bridge helper        /etc/qemu/bridge.conf allows br0",
			"core01: ready, 10.77.0.", "healthy, leader", "\ncore01\n", "core01: domain removed",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is not in\n%s", want, out)
			}
		}
		if strings.Contains(out, "verify: left out") {
			t.Errorf("a user without rights has namespaces of his own:\n%s", out)
		}
	})
	t.Run("the system's", func(t *testing.T) {
		targets := "fetch transpile discovery render define up plan status etcd logs console screen ssh stop start restart env sshconfig timeline show down " +
			"images prune settings host:check host:setup host:undo lab labdown test backup restore watch migrate password"
		out := c.asUser(t, "for target in "+targets+`; do
  words=; patience=`+fmt.Sprint(pace.Limit(30).Seconds())+`
  case $target in
  migrate) words=config=ignition/examples/seed.yml ;;
  restore) words=file=README.md ;;
  backup) words=file=x ;;
  ssh | logs | console | screen) words=node=core01 ;;
  host:setup) words=apply=true ;;
  down) words=prefix=core ;;
  watch) patience=`+fmt.Sprint(pace.Limit(2.5).Seconds())+` ;;
  esac
  echo "--- $target"
  echo a-password | timeout -s INT $patience ./targets $target $words 2>&1 || echo "status $?"
done; echo "--- preview"; ./targets host:setup 2>&1 || echo "status $?"`)
		for _, one := range strings.Split(out, "--- ")[1:] {
			name, said, _ := strings.Cut(one, "\n")
			if strings.Contains(said, "status ") && !givesRight.MatchString(said) && !strings.Contains(said, cmp.Or(noRight[name], "\x00")) {
				t.Errorf("%s ends with\n%s", name, said)
			}
		}
		if _, preview, _ := strings.Cut(out, "--- preview"); !strings.Contains(preview, "user tester in group libvirt") || !strings.Contains(preview, "\nusermod -aG libvirt tester\n") {
			t.Errorf("host:setup: got%s", preview)
		}
		if !strings.Contains(out, "FAIL  rights               tester is not in the group libvirt\n      sudo usermod -aG libvirt $USER && newgrp libvirt") {
			t.Errorf("host:check: got\n%s", out)
		}
	})
}

// noRight is what targets say that end otherwise, and want no right.
var noRight = map[string]string{
	"host:check": "FAIL  rights ", "timeline": "there is no timeline of the cluster core", "watch": "1 Ignition documents are in order",
}

// givesRight is the last line of a refusal.
var givesRight = regexp.MustCompile(`(?m)^hint: (sudo usermod -aG libvirt \$USER && newgrp libvirt|sudo env PATH="\$PATH" (mage|go run magefile\.go) [a-z:]+.*)$`)

func (c clone) asUser(t *testing.T, script string) string {
	t.Helper()
	image, _ := guestimage.Path(cache, guestimage.Lab)
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	distributor.Must(t, err)
	return c.inLab(t, "unshare", "-m", "sh", "-c", asUser, script, c.dir, image, filepath.Join(cache, "bin"), filepath.Join(strings.TrimSpace(string(goroot)), "bin"))
}
