package etcdunit

import (
	"strings"
	"testing"
)

// Lines of mountinfo of Fedora CoreOS: /var is a folder of the one file system.
const fcos = `
here 24 1 253:4 /ostree/deploy/fedora-coreos/deploy/x.0 / rw shared:1 - xfs /dev/vda4 rw
here 30 24 253:4 /ostree/deploy/fedora-coreos/var /var rw shared:2 - xfs /dev/vda4 rw
here 31 24 253:4 / /sysroot ro shared:3 - xfs /dev/vda4 rw
here 40 30 253:17 / /srv/etcd\040data rw - xfs /dev/vdb rw`

// container is an etcd in one, in which a folder of the node is mounted.
func container(root, at, device, words string) string {
	lines := "\nprocess 700\nfolder /\nmount 500 400 0:70 / / rw - overlay overlay rw\nmount 510 500 " + device + " " + root + " " + at + " rw - xfs /dev/vda4 rw"
	for _, word := range strings.Fields(words) {
		if strings.HasPrefix(word, "ETCD_") {
			lines += "\nenv " + word
		} else {
			lines += "\nword " + word
		}
	}
	return lines
}

func unitThat(name, state, file string, more ...string) string {
	return "\nunit " + name + "\nshow LoadState=loaded\nshow ActiveState=" + state + "\nshow UnitFileState=" + file + "\n" + strings.Join(more, "\n")
}

// TestWhereEtcdIs in nodes of each of this project's configs, while it runs and while it does not.
func TestWhereEtcdIs(t *testing.T) {
	const lib = "/ostree/deploy/fedora-coreos/var/lib/etcd"
	shipped := unitThat("etcd.service", "active", "enabled", "text ExecStart=/bin/bash /etc/etcd.sh", `text   etcd=("${run[@]}" --rm --volume=/var/lib/etcd:/var/lib/etcd:Z`, "text exec \"${etcd[@]}\" --name=core01 --data-dir=/var/lib/etcd \\")
	stopped := strings.Replace(shipped, "=active", "=inactive", 1)
	flatcar := unitThat("etcd-member.service", "active", "enabled", `show Environment=ETCD_IMAGE_TAG=v3.6.16 ETCD_USER=etcd ETCD_DATA_DIR=/srv/e`)
	image := unitThat("etcd-member.service", "inactive", "disabled", "show Environment=ETCD_DATA_DIR=/var/lib/etcd") // Flatcar has it
	for name, c := range map[string]struct{ out, unit, data, wrong string }{
		"the default config":            {fcos + shipped + container(lib, "/var/lib/etcd", "253:4", "/usr/local/bin/etcd --name=core01 --data-dir=/var/lib/etcd"), "etcd.service", "/var/lib/etcd", ""},
		"it does not run":               {fcos + stopped, "etcd.service", "/var/lib/etcd", ""},
		"it fails":                      {fcos + strings.Replace(shipped, "=active", "=failed", 1), "etcd.service", "/var/lib/etcd", ""},
		"the default config on Flatcar": {fcos + image + shipped, "etcd.service", "/var/lib/etcd", ""},
		"another folder in a container": {fcos + shipped + container("/x", "/var/lib/etcd", "253:17", "etcd --data-dir /var/lib/etcd"), "etcd.service", "/srv/etcd data/x", ""},
		"a Quadlet":                     {fcos + unitThat("etcd.service", "inactive", "generated", "text Volume=/srv/own:/var/lib/etcd:Z", "text Exec=/usr/local/bin/etcd --data-dir=/var/lib/etcd"), "etcd.service", "/srv/own", ""},
		"Flatcar's own unit":            {fcos + flatcar + container("/ostree/deploy/fedora-coreos/var/e", "/var/lib/etcd", "253:4", "etcd --name=core01 ETCD_DATA_DIR=/var/lib/etcd"), "etcd-member.service", "/var/e", ""},
		"Flatcar's, which does not run": {strings.Replace(flatcar, "=active", "=failed", 1), "etcd-member.service", "/srv/e", ""},
		"etcd's default folder":         {fcos + shipped + "\nprocess 3\nfolder /var/x\nword etcd\nenv ETCD_NAME=core01\nmount 24 1 253:4 /ostree/deploy/fedora-coreos/deploy/x.0 / rw - xfs\nmount 30 24 253:4 /ostree/deploy/fedora-coreos/var /var rw - xfs", "etcd.service", "/var/x/core01.etcd", ""},
		"a flag before the environment": {fcos + shipped + container(lib, "/data", "253:4", "etcd -data-dir=/data/a ETCD_DATA_DIR=/data/b"), "etcd.service", "/var/lib/etcd/a", ""},
		"another unit":                  {unitThat("etcd2.service", "active", "static", "text --data-dir=/e") + unitThat("etcd-backup.service", "inactive", "static"), "etcd2.service", "/e", ""},

		"none":                         {fcos, "", "", "which unit runs its etcd is not known, it has: none whose name begins with etcd\nhint: "},
		"two":                          {unitThat("etcd-a.service", "active", "enabled") + unitThat("etcd-b.service", "active", "enabled"), "", "", "which unit runs its etcd is not known, it has: etcd-a.service, etcd-b.service"},
		"a log elsewhere":              {fcos + shipped + container(lib, "/var/lib/etcd", "253:4", "etcd --data-dir=/var/lib/etcd --wal-dir=/wal"), "", "", "(--wal-dir)"},
		"a log elsewhere, stopped":     {fcos + stopped + "\ntext Environment=ETCD_WAL_DIR=/wal", "", "", "(--wal-dir)"},
		"nobody says where":            {unitThat("etcd.service", "inactive", "enabled"), "", "", "its etcd does not run, and etcd.service does not say where its data are"},
		"two processes":                {fcos + shipped + container(lib, "/a", "253:4", "etcd --data-dir=/a") + container("/x", "/a", "253:17", "etcd --data-dir=/a"), "", "", "more than one etcd runs, with data in /var/lib/etcd and in /srv/etcd data/x"},
		"data of nobody else":          {fcos + shipped + container(lib, "/a", "9:9", "etcd --data-dir=/a"), "", "", "what folder of the node that is cannot be found"},
		"not what a node should print": {"show x\ntext\nword a\nenv\nmount 1 2\nhere\nprocess\nmount 1 2 3:4 / /\\777 x", "", "", "which unit"},
	} {
		at, err := read(strings.TrimSpace(c.out)).place()
		if c.wrong == "" && (err != nil || at.Unit != c.unit || at.Data != c.data) || c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s: got %+v, %v", name, at, err)
		}
	}
}
