//go:build lab

package tests

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/testkit/pace"
)

// TestStandins boots the stand-ins for the two distributions with all the shipped configs. One node of each is in TestStoryOfSingleNodes.
func TestStandins(t *testing.T) {
	onlyInFull(t)
	story(t, []part{
		{"Flatcar boots by BIOS, too", flatcarByBIOS},
		{"a failed Ignition of Fedora CoreOS is on the console", fcosFails},
		{"a failed Ignition of Flatcar leaves the serial console silent", flatcarFails},
		{"updates=on has an update reboot a node", updatesReboot},
		{"etcd-quadlet.yml gives three members on Fedora CoreOS", quadletMembers},
		{"etcd-flatcar.yml gives three members on Flatcar", flatcarMembers},
		{"the lab goes", labGoes},
	})
}

// standIn boots one node of an image, and checks what its shell says.
func standIn(t *testing.T, c clone, want map[string]string, args ...string) {
	t.Helper()
	begin := time.Now()
	out := c.mage(t, append([]string{"lab", "up", "nodes=1"}, args...)...)
	t.Logf("up took %s", time.Since(begin))
	if len(readyNode.FindAllString(out, -1)) != 1 {
		t.Errorf("got\n%s", out)
	}
	c.arrives(t, want)
}

func fcosStandIn(t *testing.T, c clone) {
	standIn(t, c, map[string]string{
		"systemctl is-active NetworkManager sshd sshd-keygen.target zincati":                           "active\nactive\nactive\nactive",
		"readlink /home /opt /usr/local /root":                                                         "var/home\nvar/opt\n../var/usrlocal\nvar/roothome",
		"touch /usr/x /x 2>&1 | sed 's/.*: //'":                                                        "Read-only file system\nOperation not permitted",
		"ls -Z /etc/hostname | cut -d ' ' -f 1":                                                        "system_u:object_r:etc_t:s0",
		"ls -dZ /home/core/.ssh | cut -d ' ' -f 1":                                                     "unconfined_u:object_r:ssh_home_t:s0",
		"journalctl -b -u zincati -o cat | grep -c 'auto-updates are disabled'":                        "1",
		"command -v perl python3 nc busybox networkctl":                                                "",
		"grep -o 'console=[^ ]*' /proc/cmdline":                                                        "console=tty0\nconsole=ttyS0,115200n8",
		"ls /etc/ssh/*_key | wc -l":                                                                    "2",
		"systemctl is-enabled systemd-networkd 2>/dev/null; test -e /boot/ignition.firstboot; echo $?": "1",
	}, "image=lab-fcos")
	if console := c.read(t, "vm/core01/console.log"); !strings.Contains(console, "Finished ignition-files.service") || !strings.Contains(console, "Network Manager") {
		t.Errorf("the console log lacks systemd's lines:\n%s", console)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

// flatcarTable is what a node of lab-flatcar says, by whichever firmware.
func flatcarTable(firmware string) map[string]string {
	return map[string]string{
		"bash -c '</dev/tcp/127.0.0.1/22' 2>&1 | grep -c 'No such file'":                       "1",
		"systemctl is-active sshd.socket systemd-networkd docker.socket":                       "active\nactive\nactive",
		"systemctl is-enabled update-engine locksmithd":                                        "masked\nmasked",
		"journalctl -b -o cat | grep -c 'Started sshd@0-127.0.0.1'":                            "1",
		"touch /usr/x 2>&1 | sed 's/.*: //'":                                                   "Read-only file system",
		"cat /oem/grub.cfg":                                                                    "set oem_id=\"qemu\"\nset linux_append=\"flatcar.autologin\"",
		"grep -h PARTNAME /sys/class/block/vda*/uevent | cut -d = -f 2 | sort | paste -sd ' '": "BIOS-BOOT EFI-SYSTEM OEM OEM-CONFIG ROOT USR-A USR-B",
		"ls /boot/flatcar": "grub\ninitrd\nvmlinuz-a",
		"command -v podman perl python3 busybox nmcli":        "",
		"grep -o 'console=[^ ]*' /proc/cmdline":               "console=ttyS0,115200n8\nconsole=tty0",
		"test -e /sys/firmware/efi && echo uefi || echo bios": firmware,
	}
}

func flatcarStandIn(t *testing.T, c clone) {
	standIn(t, c, flatcarTable("uefi"), "image=lab-flatcar")
	console := c.read(t, "vm/core01/console.log")
	if !strings.Contains(console, "core01 login: core (automatic login)") || strings.Contains(console, "gnition") {
		t.Errorf("the serial console shows\n%s", console)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

func flatcarByBIOS(t *testing.T, c clone) {
	standIn(t, c, flatcarTable("bios"), "image=lab-flatcar", "firmware=bios")
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

func fcosFails(t *testing.T, c clone) {
	out, err := upBroken(t, c, "image=lab-fcos")
	if err == nil || !strings.Contains(out, "CRITICAL : Ignition failed") { // of the console or of the journal, whichever came first
		t.Errorf("got %v\n%s", err, out)
	}
	console := c.read(t, "vm/core01/console.log")
	for _, want := range []string{"Failed to start ignition-files.service", "Displaying logs from failed units: ignition-files.service", "Entering emergency mode."} {
		if !strings.Contains(console, want) {
			t.Errorf("the console never says %q", want)
		}
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

// flatcarFails has a node whose failure only its screen shows.
func flatcarFails(t *testing.T, c clone) {
	out, err := upBroken(t, c, "image=lab-flatcar", fmt.Sprintf("timeout=%.0fs", (30*time.Second+pace.Limit(30)).Seconds()))
	if err == nil || strings.Contains(out, "hash verification failed") || !strings.Contains(out, "looks like Ignition failed; its text is on the screen") {
		t.Errorf("got %v\n%s", err, out)
	}
	if picture := c.read(t, "vm/core01/screen.png"); !strings.HasPrefix(picture, "\x89PNG") || !strings.Contains(out, "vm/core01/screen.png") {
		t.Errorf("no picture of the screen is named in\n%s", out)
	}
	if console := c.read(t, "vm/core01/console.log"); !strings.Contains(console, "Run /init") || strings.Contains(console, "gnition") {
		t.Errorf("the serial console shows\n%s", console)
	}
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

// updatesReboot has each distribution's own services reboot a node some time after its boot.
func updatesReboot(t *testing.T, c clone) {
	for _, image := range []string{"image=lab-fcos", "image=lab-flatcar"} {
		c.mage(t, "lab", "up", "nodes=1", "updates=on", image)
		before := c.read(t, "vm/core01/console.log")
		for deadline := time.Now().Add(pace.Limit(120)); ; time.Sleep(2 * time.Second) {
			after := strings.TrimPrefix(c.read(t, "vm/core01/console.log"), before)
			if strings.Contains(after, "Linux version") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: no update rebooted it; the console shows since\n%s", image, after)
			}
		}
		c.mage(t, "lab", "down", "all=true", "yes=true")
	}
}

// membersOf boots the cluster of an example on an image.
func membersOf(t *testing.T, c clone, count int, example, image string) {
	t.Helper()
	out := c.mage(t, "lab", "up", fmt.Sprintf("nodes=%d", count), "config=ignition/examples/"+example, "image="+image)
	if len(readyNode.FindAllString(out, -1)) != count {
		t.Errorf("got\n%s", out)
	}
}

// quadletMembers are containers that the real Podman runs, of an image that the stand-in brings: no registry is reachable.
func quadletMembers(t *testing.T, c clone) {
	membersOf(t, c, 3, "etcd-quadlet.yml", "lab-fcos")
	got := c.mage(t, "lab", "ssh", "node=core02", "cmd=sudo podman ps --noheading --format={{.Names}},{{.Image}}; systemctl show --value -p SourcePath etcd")
	if got != "etcd,quay.io/coreos/etcd:v3.6.16\n/etc/containers/systemd/etcd.container\n" {
		t.Errorf("got %q", got)
	}
	loseDisks(t, c, "core02", "core03") // the variable reaches the container
	recovers(t, c)
	c.mage(t, "lab", "down", "all=true", "yes=true")
}

// flatcarMembers run by the drop-in for Flatcar's own unit, whose wrapper the stand-in has. TestOldEtcd has those of the unit's own tag.
func flatcarMembers(t *testing.T, c clone) {
	membersOf(t, c, 3, "etcd-flatcar.yml", "lab-flatcar")
	journal := c.mage(t, "lab", "ssh", "node=core02", "cmd=sudo journalctl -b -u etcd-member --no-pager")
	if !strings.Contains(journal, "image tag v3.6.16") {
		t.Errorf("etcd-member's journal is\n%s", journal)
	}
	loseDisks(t, c, "core02", "core03")
	recovers(t, c)
	c.mage(t, "lab", "down", "all=true", "yes=true")
}
