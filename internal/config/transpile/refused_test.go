package transpile

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
)

const head = "variant: fcos\nversion: 1.5.0\n"

// inFile is a config with one file, whose further lines stand below its path from line 6 on.
func inFile(lines string) string {
	return head + "storage:\n  files:\n  - path: /etc/x\n" + lines
}

// inService is the same of a unit.
func inService(lines string) string {
	return head + "systemd:\n  units:\n  - name: a.service\n" + lines
}

// The place is that of the character that is wrong, and the message names the block that it does not fit into.
func TestPlaces(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a key one blank short": {
			head + "passwd:\n  users:\n    - name: core\n     ssh_authorized_keys:\n        - a\n",
			"6:6: error: ssh_authorized_keys does not fit into the mapping that begins at 5:7 with name\n    6 |      ssh_authorized_keys:\n      |      ^\nhint: indent it by 6 blanks, as name in line 5",
		},
		"text in brackets": {
			head + "systemd:\n  units:\n    - name: a.service\n      contents: [Unit]\n        Description: foo\n",
			"7:9: error: Description does not fit below `contents: [Unit]` in line 6, whose value has ended\n    7 |         Description: foo\n      |         ^\nhint: text that begins with a [: quote it, or write `contents: |` and the text below",
		},
		"an entry one blank short": {
			head + "storage:\n  files:\n    - path: /a\n   - path: /b\n",
			"6:4: error: the entry `- path: /b` does not fit into the list that begins at 5:5\n    6 |    - path: /b\n      |    ^\nhint: indent it by 4 blanks, as the entry in line 5",
		},
		"a bracket that is not closed": {
			head + "storage:\n  files: [\n    {path: /a},\n    {path: /b\n  ]\n",
			"7:3: error: a } or a comma is missing before `]`: the { was opened at 6:5\n    7 |   ]\n      |   ^\nhint: close it with }",
		},
		"two colons": {
			"variant: fcos: x\n",
			"1:14: error: a second \": \" in one line",
		},
		"an alias that is not there": {
			head + "passwd:\n  users:\n    - *gone\n",
			"5:7: error: there is no anchor &gone before its alias *gone\n    5 |     - *gone\n      |       ^\nhint: set it above",
		},
		"a tab":                 {head + "storage:\n\tfiles: []\n", "4:1: error: a tab as indentation: YAML wants blanks\n    4 | \tfiles: []\n      | ^\nhint: indent by blanks"},
		"a tab below a value":   {inFile("\tmode: 0644\n"), "6:1: error: a tab as indentation"},
		"a tab behind blanks":   {inFile("  \tmode: 0644\n"), "6:3: error: a tab as indentation"},
		"a tab before text":     {inFile("    contents:\n      inline: |\n\t\tx\n"), "8:1: error: a tab as indentation"},
		"indented too far":      {head + "passwd:\n  users:\n    - name: core\n       shell: /bin/sh\n", "6:8: error: shell is indented too far: YAML takes it for more of the value of name in line 5"},
		"text indented less":    {inService("    contents: |\n      [Unit]\n      Description=x\n    [Service]\n      ExecStart=/bin/true\n"), "9:5: error: this line ends the text of `contents: |` in line 6: it is indented less"},
		"text not indented":     {inService("    contents: |\n[Unit]\n"), "7:1: error: the text of `contents: |` in line 6 is not indented further than its key"},
		"first line deeper":     {inService("    contents: |\n        [Unit]\n      Description=x\n"), "8:7: error: this line ends the text of `contents: |` in line 6"},
		"no colon":              {head + "storage\n  files: []\n", "3:1: error: `storage` has no \":\""},
		"no blank behind one":   {"variant: fcos\nversion:1.5.0\nstorage: {}\n", "2:9: error: no blank behind the \":\" of version"},
		"no blank behind a -":   {head + "storage:\n  files:\n  -path: /a\n   mode: 0644\n", "5:4: error: no blank behind the -"},
		"a quote":               {head + "passwd:\n  users:\n  - name: \"core\n    shell: \"/bin/sh\"\n", "5:11: error: the quote \" is not closed"},
		"a quote to the end":    {head + "passwd:\n  users:\n  - name: 'core\n", "5:11: error: the quote ' is not closed"},
		"an open list":          {head + "storage: [\n", "3:10: error: the [ is never closed"},
		"a closed list":         {head + "storage: []]\n", "3:12: error: a ] that nothing opens"},
		"a merge conflict":      {head + "<<<<<<< HEAD\nstorage: {}\n=======\n", "3:1: error: a line of a merge conflict"},
		"a character":           {head + "# \x01\n", "3:3: error: the character U+0001 is not allowed"},
		"no UTF-8":              {head + "# caf\xe9\n", "3:6: error: the byte 0xe9 is not UTF-8"},
		"a template":            {inFile("    mode: {{ mode }}\n"), "6:11: error: a mapping or list as a key"},
		"an alias in itself":    {head + "storage: &a\n  files: *a\n", "4:10: error: *a stands inside of what it stands for"},
		"an entry in brackets":  {head + "storage:\n  files\n    - {path: /a, mode: 0644}\n", "4:3: error: `files` has no \":\""},
		"a folder twice, CLC":   {"storage:\n  directories:\n  - {filesystem: root, path: /a}\n  - {filesystem: root, path: /a}\n", "4:30: error: /a is there already, in line 3"},
		"a list without colon":  {head + "passwd:\n  users\n    - name: core\n", "4:3: error: `users` has no \":\""},
		"open, then a key":      {inFile("    contents: {inline: x\n    mode: 0644\n  - path: /etc/y\n"), "7:5: error: a } or a comma is missing before `mode`: the { was opened at 6:15"},
		"open, then an entry":   {"storage:\n  files:\n  - filesystem: [root, x\n  - path: y\n", "opened at 3:17"},
		"ct panics":             {"storage:\n  files:\n  - &f\n  - &f\n    filesystem: root\n    path: /a\n    contents: {remote: {url: http://x/y}}\n  - <<: [*f]\n    path: /b\n", "3:5: error: an empty entry of a list"},
		"a user twice, CLC":     {"passwd:\n  users:\n  - name: core\n  - name: core\n", "4:11: error: core is there already, in line 3"},
		"a key twice":           {head + "storage: {}\nstorage: {}\n", "4:1: error: storage is there already, in line 3"},
		"behind an alias, CLC":  {"storage:\n  files:\n  - &f {filesystem: root, path: x}\n  - {<<: *f, mode: 0644}\n", "3:33: error: the path x does not begin with /"},
		"a carriage return":     {"variant: fcos\r\nversion: 1.5.0\r\nstorage:\r\n\tfiles: []\r\n", "4:1: error: a tab as indentation"},
		"behind an umlaut":      {head + "passwd: {users: [{name: \"ö\" shell: x}]}\n", "3:29: error: a } or a comma is missing before `shell`"},
		"the same without one":  {"passwd: {users: [{name: \"ö\" shell: x}]}\n", "1:29: error: a } or a comma is missing before `shell`"},
		"a list among the keys": {head + "storage:\n  files:\n    path: /b\n    - path: /a\n", "6:5: error: the entry `- path: /a` does not fit into the mapping that begins at 5:5 with path"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, c.text, c.want) })
	}
}

// What is said helps, and has no words of Go in it.
func TestMessages(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"contents are text":       {inFile("    contents: |\n      hello\n"), "6:15: error: contents is a mapping: inline:, local: or source:\n    6 |     contents: |\n      |               ^\nhint: put the text below `contents:`, as `inline: |`"},
		"keys are text":           {head + "passwd:\n  users:\n  - name: core\n    ssh_authorized_keys: ssh-rsa AAAA\n", "6:26: error: ssh_authorized_keys is a list, not `ssh-rsa AAAA`"},
		"users are no list":       {head + "passwd:\n  users:\n    name: core\n", "5:5: error: users is a list, not a mapping\n    5 |     name: core\n      |     ^\nhint: write `- name:`"},
		"no section [Install]":    {inService("    enabled: true\n    contents: |\n      [Service]\n      ExecStart=/bin/true\n"), "7:15: error: a.service is enabled, but its contents have no section [Install], so nothing would start it\n    7 |     contents: |\n      |               ^\nhint: add to the contents `[Install]` and `WantedBy=multi-user.target`"},
		"a path twice":            {inFile("  - path: /etc/y\n  - path: /etc/x\n"), "7:11: error: /etc/x is there already, in line 5"},
		"a file and a folder":     {inFile("  directories:\n  - path: /etc/x\n"), "5:11: error: /etc/x is there again, in line 7"},
		"a mode without a 0":      {inFile("    mode: 644\n"), "6:11: error: the mode 644 has no leading 0: it is read as a decimal number\n    6 |     mode: 644\n      |           ^\nhint: write `mode: 0644`"},
		"a mode in quotes":        {inFile("    mode: \"0644\"\n"), "6:11: error: mode is a number, not text in quotes\n    6 |     mode: \"0644\"\n      |           ^\nhint: write `mode: 0644`, without quotes"},
		"a mode with a 9":         {inFile("    mode: 0689\n"), "6:11: error: 0689 is not a mode: an octal number has digits from 0 to 7"},
		"enable":                  {inService("    enable: true\n"), "6:5: error: there is no key enable in systemd.units[0]\n    6 |     enable: true\n      |     ^\nhint: write `enabled` in place of `enable`"},
		"Ignition's spelling":     {head + "passwd:\n  users:\n  - name: core\n    sshAuthorizedKeys: [a]\n", "hint: write `ssh_authorized_keys` in place of `sshAuthorizedKeys`"},
		"a key of a later one":    {"variant: fcos\nversion: 1.3.0\nkernel_arguments:\n  should_exist: [quiet]\n", "3:1: error: kernel_arguments is a key since fcos 1.4.0: this config has 1.3.0\n    3 | kernel_arguments:\n      | ^\nhint: write `version: 1.4.0`"},
		"a key of another place":  {inFile("    contents:\n      inline: a\n      mode: 0644\n"), "8:7: error: there is no key mode in storage.files[0].contents\n    8 |       mode: 0644\n      |       ^\nhint: mode is a key of storage.directories[] and storage.files[]: check how far it is indented"},
		"a key of another kind":   {head + "networkd: {}\n", "hint: it is of Container Linux Configs, which have no `variant:`; `mage migrate` makes Butane of one"},
		"a key of fcos":           {"variant: flatcar\nversion: 1.1.0\nboot_device: {}\n", "hint: it is one of variant fcos"},
		"local: ../":              {inFile("    contents: {local: ../secret}\n"), "6:23: error: ../secret is outside of the folder of local files\n    6 |     contents: {local: ../secret}\n      |                       ^\nhint: local files are looked for in files: put it there, and write its name without ../"},
		"local: gone":             {inFile("    contents: {local: gone}\n"), "hint: local files are looked for in files"},
		"a unit without a suffix": {head + "systemd:\n  units:\n  - name: etcd\n    mask: true\n", "5:11: error: the unit etcd has no suffix\n    5 |   - name: etcd\n      |           ^\nhint: write `name: etcd.service`"},
		"a unit of no kind":       {head + "systemd:\n  units:\n  - name: etcd.conf\n    mask: true\n", "5:11: error: systemd has no units with the suffix .conf"},
		"Butane without variant":  {"version: 1.5.0\nstorage: {}\n", "1:10: error: this is Butane, but its `variant:` is missing"},
		"Butane without both":     {"storage:\n  files:\n  - path: /x\n    contents: {source: https://x/y}\n", "this is Butane, but its `variant:` is missing"},
		"cloud-config":            {"#cloud-config\nhostname: x\n", "1:1: error: this is a cloud-config (#cloud-config)"},
		"cloud-config, bare":      {"hostname: x\nwrite_files: []\n", "2:1: error: this is a cloud-config (write_files is a key of one)"},
		"Ignition":                {`{"ignition": {"version": "3.3.0"}}` + "\n", "1:26: error: this is an Ignition document (version 3.3.0)"},
		"a merged key":            {head + "storage:\n  files:\n  - &a {path: /x}\n  - {<<: *a}\n", "6:6: error: Butane does not take the merge key <<"},
		"unknown variant":         {"variant: focs\nversion: 1.5.0\n", "1:10: error: there is no variant focs\n    1 | variant: focs\n      |          ^\nhint: the newest are "},
		"unknown version":         {"variant: fcos\nversion: 9.9.9\n", "2:10: error: variant fcos has no version 9.9.9\n"},
		"no version":              {"variant: fcos\n", "1:10: error: there is no version\n    1 | variant: fcos\n      |          ^\nhint: write `version: 1.7.0` below it"},
		"odd variant":             {"variant: 3\n", "1:10: error: the config's variant is not a word"},
		"empty":                   {"", "error: the config is empty"},
		"a list":                  {"- a\n", "1:1: error: a config is a mapping"},
		"two problems":            {head + "systemdd: {}\nstorage:\n  filez: []\n", "3:1: error: there is no key systemdd in the config\n    3 | systemdd: {}\n      | ^\nhint: write `systemd` in place of `systemdd`\n"},
		"and the other":           {head + "systemdd: {}\nstorage:\n  filez: []\n", "5:3: error: there is no key filez in storage\n    5 |   filez: []\n      |   ^\nhint: write `files` in place of `filez`"},

		"CLC, unknown key":  {"storage:\n  filez: []\n", "2:3: error: there is no key filez in storage\n"},
		"CLC, missing file": {"storage:\n  files:\n  - {filesystem: root, path: /x, contents: {local: gone}}\n", "hint: local files are looked for in"},
		"CLC, wrong types":  {"storage:\n  files: 3\n  links: 4\n", "2:10: error: files is a list, not `3`\n"},
		"CLC, and another":  {"storage:\n  files: 3\n  links: 4\n", "3:10: error: links is a list, not `4`\n"},
		"CLC, outside":      {"storage:\n  files:\n  - {filesystem: root, path: /x, contents: {local: ../ignition.yml}}\n", "3:52: error: ../ignition.yml is outside of the folder of local files\n"},
		"CLC, gone, merged": {"storage:\n  files:\n  - &f {filesystem: root, path: /x, contents: {local: gone}}\n  - {<<: *f, path: /y}\n", "no such file or directory\n"},
		"CLC, own disks":    {"storage:\n  files:\n  - {filesystem: data, path: /x, contents: {inline: x}}\n", "hint: "},
		"CLC, etcd":         {"etcd:\n  version: new\n", "2:12: error: new is not in dotted-tri format"},
		"CLC, etcd's key":   {"etcd:\n  version: 3.0.0\n  nam: x\n", "3:3: error: there is no key nam in etcd\n    3 |   nam: x\n      |   ^\nhint: write `name` in place of `nam`"},
	} {
		t.Run(name, func(t *testing.T) { refused(t, c.text, c.want) })
	}
}

// ct takes a mode without a leading 0 as a decimal number: that is worth a word.
func TestDecimalModeOfLegacy(t *testing.T) {
	for mode, want := range map[string]string{"644": "the mode 644 has no leading 0: it is read as a decimal number (write `mode: 0644`)", "0644": "", "420": "", "0o644": ""} {
		got, err := File(write(t, "storage:\n  files:\n  - {filesystem: root, path: /a, mode: "+mode+"}\n"), "files")
		said := strings.Join(got.Warnings, "\n")
		if err != nil || (want == "") != (said == "") || !strings.Contains(said, want) || want != "" && !strings.Contains(said, "ignition.yml:3:40: warning: ") {
			t.Errorf("mode %s: got %q, %v", mode, said, err)
		}
	}
}

// refused checks that the config is, with those words at that place, with a hint, and as people read it.
func refused(t *testing.T, text, want string) {
	t.Helper()
	_, err := File(write(t, text), "files")
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "\nhint: ") {
		t.Fatalf("got %v\nwant %s, and a hint", err, want)
	}
	readable(t, text, err.Error())
}

var (
	// ofGo are words that only a Go programmer understands, or YAML's own of types, and texts that were cut.
	ofGo      = regexp.MustCompile(`types\.|\bv\d_\d|\[\]\w*\.|map\[|interface ?\{|!!\w|\bstruct\b|\.\.\.|unmarshal`)
	inMessage = regexp.MustCompile(`(?m)^\S*\.yml:(\d+):(\d+): `)
)

// readable checks a message about a config: it has no words of Go, is not cut, has places that there are, and the lines of these.
func readable(t *testing.T, text, said string) {
	t.Helper()
	if found := ofGo.FindString(said); found != "" {
		t.Errorf("it says %q:\n%s", found, said)
	}
	lines := strings.Split(text, "\n")
	for _, found := range inMessage.FindAllStringSubmatch(said, -1) {
		line, _ := strconv.Atoi(found[1])
		column, _ := strconv.Atoi(found[2])
		if line < 1 || line > len(lines) || column < 1 || column > utf8.RuneCountInString(lines[line-1])+1 {
			t.Errorf("there is no %d:%d in the config:\n%s", line, column, said)
		}
	}
}

// Broken configs of the kinds that people make, with all that is said of each. `go test -update` writes what is said.
func TestBroken(t *testing.T) {
	const path = "testdata/broken.txtar"
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(archive.Files); i += 2 {
		config, want := archive.Files[i], &archive.Files[i+1]
		t.Run(config.Name, func(t *testing.T) {
			got := saidOf(t, config)
			if *update {
				want.Data = []byte(got)
			}
			if got != string(want.Data) {
				t.Errorf("got\n%s\nwant\n%s", got, want.Data)
			}
			readable(t, string(config.Data), got)
		})
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever a slip of the hand makes of a line: there is no panic, and what is refused is said readably, at a place, with a hint.
func TestEveryLineBroken(t *testing.T) {
	without := func(old, new string) func(string) string {
		return func(line string) string { return strings.Replace(line, old, new, 1) }
	}
	slips := []func(string) string{
		without(" ", ""), without("  ", "\t"), without(":", ""), without(": ", ":"), without(": ", ": \""), without("- ", "-"), without("- ", "  "),
		without("]", ""), without("}", ""),
		func(line string) string { return " " + line },
		func(line string) string { return line + "\n" + line },
	}
	for _, config := range []string{"testdata/butane/fcos-1.5.0.bu", "testdata/butane/flatcar-1.1.0.bu", "testdata/legacy/merge.yml", "testdata/legacy/storage.yml"} {
		source, err := os.ReadFile(config)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(source), "\n")
		for i, line := range lines {
			for _, slip := range slips {
				lines[i] = slip(line)
				said(t, strings.Join(lines, "\n"))
			}
			lines[i] = line
		}
	}
}

func said(t *testing.T, text string) {
	t.Helper()
	_, err := Text("ignition.yml", []byte(text), "testdata/files")
	if err == nil {
		return
	}
	if readable(t, text, err.Error()); !strings.Contains(err.Error(), "\nhint: ") || !inMessage.MatchString(err.Error()) {
		t.Errorf("no hint, or no place:\n%s\nof\n%s", err, text)
	}
}

// saidOf is all that is said of a config.
func saidOf(t *testing.T, config txtar.File) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), config.Name)
	if err := os.WriteFile(path, config.Data, 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := File(path, "testdata/files")
	said := strings.Join(append(got.Warnings, ""), "\n")
	if err != nil {
		said += err.Error() + "\n"
	}
	return strings.ReplaceAll(said, filepath.Dir(path)+"/", "")
}
