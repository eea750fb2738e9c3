package step

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"coreos-libvirt/internal/testkit/testbed"
)

// repository makes a folder of Debian packages that apt installs from, and nothing else. Each is "name" or
// "name: what it depends on".
func repository(t *testing.T, packages ...string) {
	t.Helper()
	folder, index := "/run/repository", ""
	for _, p := range packages {
		name, depends, _ := strings.Cut(p, ": ")
		control := fmt.Sprintf("Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n", name)
		if depends != "" {
			control += "Depends: " + depends + "\n"
		}
		testbed.Write(t, filepath.Join("/run/package", name, "DEBIAN/control"), control)
		deb := filepath.Join(folder, name+".deb")
		testbed.Write(t, filepath.Join(folder, "x"), "")
		testbed.Run(t, "dpkg-deb", "--build", filepath.Join("/run/package", name), deb)
		data, err := os.ReadFile(deb)
		if err != nil {
			t.Fatal(err)
		}
		index += fmt.Sprintf("%sFilename: ./%s.deb\nSize: %d\nSHA256: %x\n\n", control, name, len(data), sha256.Sum256(data))
	}
	testbed.Write(t, filepath.Join(folder, "Packages"), index)
	testbed.Run(t, "sh", "-ec", "rm -rf /etc/apt/sources.list* /var/lib/apt/lists/*; echo 'deb [trusted=yes] file:/run/repository ./' > /etc/apt/sources.list; chmod -R a+rX /run/repository")
}

// TestPackagesByApt installs packages with real apt, and removes what came with them, unless others need it.
func TestPackagesByApt(t *testing.T) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("there is no apt")
	}
	if !testbed.Inside(t, "nobody") {
		return
	}
	repository(t, "small-a: small-b", "small-b", "small-c: small-b")
	m := Machine{Root: "/", Say: t.Logf}
	p, err := Lacking(t.Context(), "apt", []string{"bash", "small-a"})
	if err != nil || !slices.Equal(p.Names, []string{"small-a"}) {
		t.Fatalf("got %+v, %v", p, err)
	}
	if err := kinds.Apply(t.Context(), m, []Planned{planned(p)}); err != nil { // apt's lists are not there: it fetches them
		t.Fatal(err)
	}
	if !slices.Equal(p.Installed, []string{"small-a", "small-b"}) {
		t.Errorf("got %v", p.Installed)
	}
	if p, err := Lacking(t.Context(), "apt", []string{"bash", "small-a"}); p != nil || err != nil {
		t.Errorf("nothing lacks, and it plans %+v, %v", p, err)
	}
	testbed.Run(t, "apt-get", "-y", "install", "small-c") // by somebody else, since
	if err := kinds.Undo(t.Context(), m); err == nil || !strings.Contains(err.Error(), "small-c") {
		t.Errorf("small-c needs small-b: %v", err)
	}
	testbed.Run(t, "dpkg", "--remove", "small-c")
	if err := kinds.Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	there, err := installed(t.Context(), "apt")
	if err != nil || there["small-a"] || there["small-b"] || !there["bash"] {
		t.Errorf("small-a: %t, small-b: %t, %v", there["small-a"], there["small-b"], err)
	}
}

func TestPackagesThatAreNowhere(t *testing.T) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("there is no apt")
	}
	if !testbed.Inside(t, "nobody") {
		return
	}
	repository(t, "small-a")
	m := Machine{Root: "/", Say: t.Logf}
	p := &Packages{Manager: "apt", Names: []string{"no-such-package"}}
	if err := kinds.Apply(t.Context(), m, []Planned{planned(p)}); err == nil || !strings.Contains(err.Error(), "no-such-package") || !strings.Contains(err.Error(), "\nhint: ") {
		t.Errorf("got %v", err)
	}
	if err := kinds.Undo(t.Context(), m); err != nil {
		t.Errorf("nothing was installed: %v", err)
	}
}

// An installation that fails half way: what it brought nobody asked for by name, and undo removes it.
func TestPackagesThatFailHalfWay(t *testing.T) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("there is no apt")
	}
	if !testbed.Inside(t, "nobody") {
		return
	}
	testbed.Write(t, "/run/package/small-a/DEBIAN/postinst", "#!/bin/sh\nexit 1\n")
	testbed.Run(t, "chmod", "755", "/run/package/small-a/DEBIAN/postinst")
	repository(t, "small-a: small-b", "small-b")
	m := Machine{Root: "/", Say: t.Logf}
	if err := kinds.Apply(t.Context(), m, []Planned{planned(&Packages{Manager: "apt", Names: []string{"small-a"}})}); err == nil {
		t.Fatal("small-a is installed")
	}
	if there, err := present(t.Context(), "apt"); err != nil || !there["small-a"] || !there["small-b"] {
		t.Fatalf("nothing is half done: %v", err)
	}
	if err := kinds.Undo(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if there, err := present(t.Context(), "apt"); err != nil || there["small-a"] || there["small-b"] {
		t.Errorf("small-a: %t, small-b: %t, %v", there["small-a"], there["small-b"], err)
	}
}

// fakeManager is a package manager of another distribution, by its words: what it has is in a folder, and it installs
// nothing before its lists were fetched.
const fakeManager = `#!/bin/sh
has=/run/fake
case "$(basename "$0") $*" in
"rpm -qa"*) for f in $has/*; do echo "installed $(basename $f)"; done ;;
"rpm -e "*|"pacman -R "*) for word; do rm -f $has/$word; done ;;
*refresh*|"pacman -Sy "*) touch $has.lists ;;
*install*|"pacman -S "*) [ -e $has.lists ] || { echo "the lists are old" >&2; exit 1; }
  for word; do case $word in -*|install) ;; *) touch $has/$word $has/$word-library ;; esac; done ;;
"pacman -Qq") ls $has ;;
*) echo "what is $0 $*?" >&2; exit 2 ;;
esac
`

// TestPackagesByOthers has the package managers that do not run here, by what their manuals say of their words.
func TestPackagesByOthers(t *testing.T) {
	if !testbed.Inside(t, "nobody") {
		return
	}
	for _, program := range []string{"dnf", "zypper", "pacman", "rpm"} {
		testbed.Write(t, "/usr/local/sbin/"+program, fakeManager)
		testbed.Run(t, "chmod", "755", "/usr/local/sbin/"+program)
	}
	m := Machine{Root: "/", Say: t.Logf}
	for _, program := range []string{"dnf", "zypper", "pacman"} {
		testbed.Run(t, "sh", "-ec", "rm -rf /run/fake /run/fake.lists; mkdir /run/fake; touch /run/fake/there")
		p, err := Lacking(t.Context(), program, []string{"there", "libvirt"})
		if err != nil || !slices.Equal(p.Names, []string{"libvirt"}) {
			t.Fatalf("%s: got %+v, %v", program, p, err)
		}
		if err := kinds.Apply(t.Context(), m, []Planned{planned(p)}); err != nil || !slices.Equal(p.Installed, []string{"libvirt", "libvirt-library"}) {
			t.Errorf("%s: got %v, %v", program, p.Installed, err)
		}
		if p, err := Lacking(t.Context(), program, []string{"there", "libvirt"}); p != nil || err != nil {
			t.Errorf("%s: nothing lacks, and it plans %+v, %v", program, p, err)
		}
		if err := kinds.Undo(t.Context(), m); err != nil {
			t.Error(err)
		}
		if left := testbed.Run(t, "ls", "/run/fake"); left != "there" {
			t.Errorf("%s: left is %s", program, left)
		}
	}
}

func TestCommandsOfPackages(t *testing.T) {
	for program, want := range map[string]string{
		"apt": "apt-get install --no-install-recommends a b", "dnf": "dnf -y --setopt=install_weak_deps=False install a b",
		"zypper": "zypper --non-interactive install --no-recommends a b", "pacman": "pacman -S --noconfirm --needed a b",
	} {
		if got := (&Packages{Manager: program, Names: []string{"a", "b"}}).Commands(); len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
