package readable

import (
	"encoding/json"
	"strings"
)

// dice are the bytes of a fuzzer: each decides one thing of a config. After the last all is as simple as it can be.
type dice struct {
	bytes       []byte
	item        int      // the number of what is made, in its list
	filesystems []string // the names of those that there are
}

func (d *dice) roll(sides int) int {
	if len(d.bytes) == 0 {
		return 0
	}
	n := int(d.bytes[0]) % sides
	d.bytes = d.bytes[1:]
	return n
}

func (d *dice) yes() bool { return d.roll(2) == 1 }

func one[T any](d *dice, of ...T) T { return of[d.roll(len(of))] }

// texts are what YAML, data URLs and units may trip over.
var texts = []string{
	"", "\n", "\t", " ", "a", "word", "\r", ": ", "- ", "#", "---", "...", "%", "\\", "'", "\"", "é", "\u0085", "\u2028", "\ufeff", "\x01", "\x7f", "😀", "{HOSTNAME}", "{PRIVATE_IPV4}", "$x", "${Y}",
	"true", "0644", "null", "<<", "[Install]\nWantedBy=multi-user.target\n", "[Service]\nExecStart=/bin/true\n", "Node_Name", ",", "{", "}", "|", ">", "!", "&a", "*a", "@", "`", "?", "%20", "+", strings.Repeat("long ", 40),
}

// text is up to seven of them.
func (d *dice) text() (s string) {
	for range d.roll(8) {
		s += one(d, texts...)
	}
	return s
}

// some has none, one or two of what each makes.
func (d *dice) some(each func() any) []any {
	list, outer := []any{}, d.item
	for d.item = range d.roll(3) {
		list = append(list, each())
	}
	d.item = outer
	return list
}

// maybe puts a key, or does not.
func (d *dice) maybe(m map[string]any, key string, value func() any) {
	if d.yes() {
		m[key] = value()
	}
}

// word is one that the other items of the list do not have, mostly: twice the same name is refused.
func (d *dice) word() string { return d.other("one", "two", "three") }

func (d *dice) other(of ...string) string {
	if d.roll(16) == 15 {
		return of[0]
	}
	return of[(d.item+d.roll(len(of)/2))%len(of)]
}

func (d *dice) bool() any { return d.yes() }
func (d *dice) line() any { return d.text() }
func (d *dice) mode() any { return one(d, 0o644, 0o755, 0o600, 0o420, 0) }
func (d *dice) path() any { return one(d, "/etc/one", "/etc/two", "/etc/three", "/one/two", "/") }

func (d *dice) hash() any {
	return map[string]any{"hash": map[string]any{"function": "sha512", "sum": strings.Repeat(one(d, "ab", "cd"), 64)}}
}

func (d *dice) device() any {
	return d.other("/dev/vdb", "/dev/disk/by-label/ROOT", "/dev/vdc", "/dev/disk/by-label/OEM", "/dev/md/one")
}

func (d *dice) url() any {
	return one(d, "https://example.com/a", "http://example.com/a?b=c&d=%20", "data:,a%20b", "data:;base64,/w==", "data:text/plain;charset=utf-8,%0Aa")
}

func (d *dice) owner() any {
	if d.yes() {
		return map[string]any{"id": d.roll(3)}
	}
	return map[string]any{"name": "core"}
}

func (d *dice) reference() any {
	m := map[string]any{"source": one(d, "https://example.com/a", "http://example.com/a?b=c&d=%20", "tftp://example.com/x")}
	d.maybe(m, "verification", d.hash)
	return m
}

func (d *dice) node() map[string]any {
	m := map[string]any{"filesystem": one(d, append([]string{"root", "root"}, d.filesystems...)...), "path": d.path()}
	d.maybe(m, "user", d.owner)
	d.maybe(m, "group", d.owner)
	d.maybe(m, "overwrite", d.bool)
	return m
}

func (d *dice) file() any {
	m := d.node()
	d.maybe(m, "mode", d.mode)
	if d.roll(4) == 3 {
		m["append"] = true
		delete(m, "overwrite")
	}
	if d.roll(4) != 3 {
		m["contents"] = map[string]any{"inline": d.text()}
		return m
	}
	remote := map[string]any{"url": d.url()}
	d.maybe(remote, "verification", d.hash)
	if d.yes() {
		remote["compression"], remote["url"] = "gzip", one(d, "https://example.com/a.gz", "data:;base64,H4sIAAAAAAACA8vPSwUA8YZsegMAAAA=")
	}
	m["contents"] = map[string]any{"remote": remote}
	return m
}

func (d *dice) directory() any {
	m := d.node()
	m["path"] = "/srv/" + d.word()
	d.maybe(m, "mode", d.mode)
	return m
}

func (d *dice) link() any {
	m := d.node()
	m["path"], m["target"] = "/opt/"+d.word(), d.path()
	d.maybe(m, "hard", d.bool)
	return m
}

func (d *dice) filesystem() any {
	name := d.other("root", "one", "two", "OEM", "")
	d.filesystems = append(d.filesystems, name)
	m := map[string]any{"name": name}
	if d.roll(3) == 2 {
		m["path"] = one(d, "/sysroot/one", "/two", "/sysroot", "/")
		return m
	}
	mount := map[string]any{"device": d.device(), "format": one(d, "ext4", "btrfs", "xfs", "vfat", "swap")}
	d.maybe(mount, "label", func() any { return one(d, "ROOT", "one", "OEM") })
	d.maybe(mount, "uuid", func() any { return "6f8b3d1e-3d0d-4a55-9f0e-1b1f5c5b0f11" })
	d.maybe(mount, "wipe_filesystem", d.bool)
	options := func() any { return d.some(d.line) }
	d.maybe(mount, "options", options)
	if d.roll(4) == 3 {
		delete(mount, "options")
		delete(mount, "wipe_filesystem")
		create := map[string]any{"force": true}
		d.maybe(create, "options", options)
		mount["create"] = create
	}
	m["mount"] = mount
	return m
}

func (d *dice) disk() any {
	return map[string]any{"device": d.device(), "wipe_table": d.bool(), "partitions": d.some(func() any {
		m := map[string]any{"label": d.word()}
		d.maybe(m, "number", func() any { return d.item + 1 })
		d.maybe(m, "size", func() any { return one(d, "512MiB", "1GiB", "0") })
		d.maybe(m, "start", func() any { return one(d, "1MiB", "2GiB") })
		d.maybe(m, "type_guid", func() any { return "0fc63daf-8483-4772-8e79-3d69d8477de4" })
		d.maybe(m, "guid", func() any { return "5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6" })
		return m
	})}
}

func (d *dice) raid() any {
	m := map[string]any{"name": d.word(), "level": one(d, "raid1", "linear"), "devices": []any{"/dev/vdd", "/dev/vde"}}
	d.maybe(m, "options", func() any { return d.some(d.line) })
	if m["level"] == "raid1" {
		d.maybe(m, "spares", func() any { return d.roll(3) })
	}
	return m
}

func (d *dice) dropin() any {
	return map[string]any{"name": one(d, "10-a.conf", "20-b.conf", "20-clct-docker.conf"), "contents": d.section()}
}

// section is the text of a unit: what is no unit ct refuses.
func (d *dice) section() any {
	return one(d, "", "\n", "\n\n") + one(d, "[Service]\nExecStart=/bin/true\n", "[Unit]\nDescription=é \"x\" 'y' %n\n\n", "[Mount]\nWhat=/dev/vdb\nWhere=/srv/data\n") + one(d, "", "\n", "[Install]\nWantedBy=multi-user.target\n", "[Service]\nEnvironment=A=Node_Name\n")
}

func (d *dice) unit() any {
	m := map[string]any{"name": one(d, "one.service", "two.mount", "docker.service", "etcd-member.service")}
	d.maybe(m, "contents", d.section)
	d.maybe(m, "enable", d.bool)
	d.maybe(m, "enabled", d.bool)
	d.maybe(m, "mask", d.bool)
	d.maybe(m, "dropins", func() any { return d.some(d.dropin) })
	return m
}

func (d *dice) network() any {
	m := map[string]any{"name": one(d, "10-one.network", "20-two.netdev")}
	text := func() any { return one(d, "", "\n") + "[Match]\nName=" + one(d, "e*", "é", "\"x\"") + "\n" }
	d.maybe(m, "contents", text)
	d.maybe(m, "dropins", func() any {
		return d.some(func() any { return map[string]any{"name": one(d, "a.conf", "b.conf"), "contents": text()} })
	})
	return m
}

func (d *dice) account(m map[string]any) map[string]any {
	d.maybe(m, "uid", func() any { return d.roll(3) })
	for _, key := range []string{"gecos", "home_dir", "primary_group", "shell"} {
		d.maybe(m, key, d.line)
	}
	for _, key := range []string{"no_create_home", "no_user_group", "no_log_init", "system"} {
		d.maybe(m, key, d.bool)
	}
	d.maybe(m, "groups", func() any { return []any{"docker", "wheel"} })
	return m
}

func (d *dice) user() any {
	m := map[string]any{"name": d.word()}
	if d.roll(4) == 3 {
		m["create"] = d.account(map[string]any{})
	} else {
		d.account(m)
	}
	d.maybe(m, "password_hash", d.line)
	d.maybe(m, "ssh_authorized_keys", func() any { return d.some(d.line) })
	return m
}

func (d *dice) group() any {
	m := map[string]any{"name": d.word()}
	d.maybe(m, "gid", func() any { return d.roll(3) })
	d.maybe(m, "password_hash", d.line)
	d.maybe(m, "system", d.bool)
	return m
}

func (d *dice) services(m map[string]any) {
	d.maybe(m, "etcd", func() any {
		return map[string]any{"name": one(d, "{HOSTNAME}", "Node_Name"), "version": one(d, "3.0.15", "3.3.9"), "advertise_client_urls": "http://{PUBLIC_IPV4}:2379"}
	})
	d.maybe(m, "flannel", func() any {
		return map[string]any{"network_config": one(d, "{\"Network\": \"10.1.0.0/16\"}", "\n{}\n")}
	})
	d.maybe(m, "docker", func() any { return map[string]any{"flags": d.some(d.line)} })
	d.maybe(m, "update", func() any {
		return map[string]any{"group": one(d, "stable", "beta", "é"), "server": "https://example.com/"}
	})
	d.maybe(m, "locksmith", func() any {
		return map[string]any{"reboot_strategy": one(d, "off", "reboot", "etcd-lock"), "window_start": "Thu 04:00", "window_length": "1h"}
	})
}

// config is a Container Linux Config. JSON is YAML, and written by a library that is not the one that is tested.
func (d *dice) config() []byte {
	m := map[string]any{}
	for _, list := range []struct {
		section, name string
		each          func() any
	}{
		{"storage", "filesystems", d.filesystem},
		{"storage", "files", d.file},
		{"systemd", "units", d.unit},
		{"passwd", "users", d.user},
		{"networkd", "units", d.network},
		{"storage", "directories", d.directory},
		{"storage", "links", d.link},
		{"storage", "disks", d.disk},
		{"storage", "raid", d.raid},
		{"passwd", "groups", d.group},
	} {
		section, _ := m[list.section].(map[string]any)
		if section == nil {
			section = map[string]any{}
			m[list.section] = section
		}
		section[list.name] = d.some(list.each)
	}
	d.services(m)
	ignition := map[string]any{}
	d.maybe(ignition, "config", func() any { return map[string]any{"append": d.some(d.reference)} })
	d.maybe(ignition, "timeouts", func() any { return map[string]any{"http_total": d.roll(9)} })
	d.maybe(ignition, "security", func() any {
		return map[string]any{"tls": map[string]any{"certificate_authorities": d.some(d.reference)}}
	})
	m["ignition"] = ignition
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return []byte(strings.NewReplacer("\x7f", `\u007f`, "\ufeff", `\ufeff`, "\u0085", `\u0085`).Replace(string(text))) // which YAML has no place for
}
