package units

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/guest"
)

// TestOf: what the document brings of the lab's node from which the answer in testdata is.
func TestOf(t *testing.T) {
	got := []string{}
	for _, b := range brought(t) {
		name := b.Name
		if b.Starts {
			name += " starts"
		}
		if b.Quadlet != "" {
			name += " of " + b.Quadlet
		}
		got = append(got, name)
	}
	want := []string{
		"bad-setting.service starts", "cond.service starts", "coreos-libvirt-ready.service starts", "data-volume.service of /etc/containers/systemd/data.volume",
		"good.service starts", "killed.service starts", "limit.service starts", "loop.service starts", "needs.service starts", "nope.service starts",
		"nope2.service", "once.service starts", "simple-done.service starts", "slow.service starts", "tick.service", "tick.timer starts",
		"web.service starts of /etc/containers/systemd/web.container",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func brought(t *testing.T) []Brought {
	t.Helper()
	doc, err := os.ReadFile("testdata/document.ign")
	if err != nil {
		t.Fatal(err)
	}
	all, err := Of(doc)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func answered(t *testing.T) string {
	t.Helper()
	said, err := os.ReadFile("testdata/answer.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(said)
}

// TestRead reads what a node of the lab said (systemd 252), in which all goes wrong that can.
func TestRead(t *testing.T) {
	report, err := Read(brought(t), "MARK", answered(t))
	if err != nil {
		t.Fatal(err)
	}
	got := []string{report.State + "; " + report.Brief()}
	for _, u := range report.Unwell() {
		got = append(got, u.Says())
	}
	want := []string{
		"degraded; failed: bad-setting.service, data-volume.service, killed.service and 6 more",
		"bad-setting.service is missing: systemd cannot load it (bad-setting)",
		"data-volume.service has failed: exit-code, status 125",
		"killed.service has failed: signal SIGKILL",
		"limit.service has failed: exit-code, status 1, restarts so far: 14",
		"loop.service restarts again and again: exit-code, status 3, restarts so far: 106",
		"needs.service has failed: dependency",
		"nope.service has failed: exit-code, status 203/EXEC",
		"nope2.service has failed: exit-code, status 1",
		"simple-done.service is not active: it has ended by itself",
		"web.service has failed: dependency",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	lines := strings.Join(report.Lines(), "\n")
	for _, line := range []string{
		"nope.service has failed: exit-code, status 203/EXEC\n    2026-11-27T16:25:47+0000 systemd[1]: Started nope.service.\n",
		"    2026-11-27T16:25:47+0000 (nope)[218]: nope.service: Failed at step EXEC spawning /usr/local/bin/nope: No such file or directory\n",
		"\n    2026-11-27T16:25:48+0000 systemd[1]: Dependency failed for needs.service.\n",
	} {
		if !strings.Contains(lines, line) {
			t.Errorf("no %q in\n%s", line, lines)
		}
	}
}

// TestNotOfTheConfig: what has failed and is the image's does not count.
func TestNotOfTheConfig(t *testing.T) {
	report, err := Read(nil, "MARK", answered(t))
	if err != nil || len(report.Failed()) != 0 || !strings.HasPrefix(report.Brief(), "failed, not of the config: bad-setting.service, ") {
		t.Errorf("got %+v, %v", report, err)
	}
	if says := report.Unwell()[1].Says(); says != "data-volume.service, which is not of the config, has failed: exit-code, status 125" {
		t.Errorf("got %q", says)
	}
}

// TestOfReport: what a node reports of units by itself.
func TestOfReport(t *testing.T) {
	ours := []Brought{{Name: "web.service", Starts: true}}
	for name, c := range map[string]struct {
		said  *guest.Units
		brief string
		known bool
	}{
		"an older node":    {nil, "", false},
		"well":             {&guest.Units{State: "running"}, Well, true},
		"of the config":    {&guest.Units{State: "degraded", Failed: []string{"other.service", "web.service"}}, "failed: web.service", true},
		"of the image":     {&guest.Units{State: "degraded", Failed: []string{"other.service"}}, "failed, not of the config: other.service", true},
		"waits to restart": {&guest.Units{State: "running", Failed: []string{"web.service"}}, "failed: web.service", true},
		"on its way":       {&guest.Units{State: "starting"}, "starting", true},
		"says half":        {&guest.Units{State: "degraded"}, "", false},
	} {
		r, known := OfReport(c.said, ours)
		if known != c.known || known && r.Brief() != c.brief {
			t.Errorf("%s: got %q, %t", name, r.Brief(), known)
		}
	}
}

// show is a record as `systemctl show` prints it.
func show(name string, properties ...string) string {
	return strings.Join(append([]string{"Id=" + name, "Names=" + name, "LoadState=loaded", "Result=success"}, properties...), "\n") + "\n\n"
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		brought Brought
		state   string
		said    string
		want    string
	}{
		"well":                  {Brought{Name: "a.service", Starts: true}, "running", show("a.service", "ActiveState=active"), ""},
		"not yet":               {Brought{Name: "a.service", Starts: true}, "starting", show("a.service", "ActiveState=inactive"), "a.service is still being started"},
		"never":                 {Brought{Name: "a.service", Starts: true}, "running", show("a.service", "ActiveState=inactive", "UnitFileState=static"), "a.service is not active: it was not started, and is static"},
		"nobody wants it":       {Brought{Name: "a.service"}, "running", show("a.service", "ActiveState=inactive", "UnitFileState=static"), ""},
		"in between":            {Brought{Name: "a.service", Starts: true}, "starting", show("a.service", "ActiveState=activating", "SubState=start"), "a.service is still being started"},
		"once":                  {Brought{Name: "a.service", Starts: true}, "running", show("a.service", "Type=oneshot", "ActiveState=inactive", "InactiveEnterTimestampMonotonic=5"), ""},
		"a condition":           {Brought{Name: "a.service", Starts: true}, "running", show("a.service", "ActiveState=inactive", "ConditionResult=no", "ConditionTimestampMonotonic=5"), ""},
		"no such unit":          {Brought{Name: "a.service", Starts: true}, "running", "Id=a.service\nNames=a.service\nLoadState=not-found\nActiveState=inactive\n", "a.service is missing: the node has no such unit"},
		"a drop-in of nothing":  {Brought{Name: "a.service"}, "running", "Id=a.service\nNames=a.service\nLoadState=not-found\nActiveState=inactive\n", ""},
		"no unit of a Quadlet":  {Brought{Name: "a.service", Quadlet: "/etc/containers/systemd/a.container"}, "running", "Id=a.service\nLoadState=not-found\nActiveState=inactive\n", "a.service is missing: Podman made no unit of /etc/containers/systemd/a.container"},
		"restarted just now":    {Brought{Name: "a.service", Starts: true}, "running", show("a.service", "ActiveState=active", "NRestarts=7", "ActiveEnterTimestampMonotonic=98000000"), "a.service restarts again and again: restarts so far: 7"},
		"restarted, and steady": {Brought{Name: "a.service", Starts: true}, "running", show("a.service", "ActiveState=active", "NRestarts=7", "ActiveEnterTimestampMonotonic=40000000"), ""},
		"twice":                 {Brought{Name: "a.service", Starts: true}, "running", show("a.service", "ActiveState=active", "NRestarts=2", "ActiveEnterTimestampMonotonic=99000000"), ""},
		"waits to restart":      {Brought{Name: "a.service"}, "running", show("a.service", "ActiveState=activating", "SubState=auto-restart-queued", "NRestarts=1"), "a.service restarts again and again: restarts so far: 1"},
		"by another name":       {Brought{Name: "b.service", Starts: true}, "running", "Id=a.service\nNames=a.service b.service\nLoadState=loaded\nActiveState=failed\nResult=timeout\n", "b.service has failed: timeout"},
		"dumped core":           {Brought{Name: "a.service"}, "degraded", show("a.service", "ActiveState=failed", "ExecMainCode=3", "ExecMainStatus=11"), "a.service has failed: signal SIGSEGV"},
		"no signal":             {Brought{Name: "a.service"}, "degraded", show("a.service", "ActiveState=failed", "ExecMainCode=2", "ExecMainStatus=-7"), "a.service has failed: signal -7"},
		"a mount":               {Brought{Name: "srv.mount", Starts: true}, "degraded", show("srv.mount", "ActiveState=failed", "Result=exit-code"), "srv.mount has failed: exit-code"},
	} {
		report, err := Read([]Brought{c.brought}, "m", "m system 100.00 "+c.state+"\n"+c.said+"m end\n")
		if err != nil || len(report.Units) != 1 {
			t.Fatalf("%s: got %+v, %v", name, report, err)
		}
		said := ""
		if unwell := report.Unwell(); len(unwell) > 0 {
			said = unwell[0].Says()
		}
		if said != c.want {
			t.Errorf("%s: got %q", name, said)
		}
	}
}

// TestRefuses what is no answer, and what ends in the middle.
func TestRefuses(t *testing.T) {
	for _, said := range []string{"", "hello\n", "m system 1.0 running\n", "m system x running\nm end\n", "m end\nm system 1.0 running\n"} {
		if report, err := Read(nil, "m", said); err == nil {
			t.Errorf("%q: got %+v", said, report)
		}
	}
	if report, err := Read([]Brought{{Name: "a.service"}}, "m", "m system 1.0 running\nFailed to connect to bus: No such file or directory\n\nm end\n"); err == nil {
		t.Errorf("got %+v", report)
	}
	report, err := Read([]Brought{{Name: "a.service"}, {Name: "b.service"}}, "m", "m system 1.0 running\nId=a.service\n\nm end\n")
	if err != nil || len(report.Failed()) != 1 || report.Failed()[0].Name != "b.service" {
		t.Errorf("what systemd says nothing of is missing: got %+v, %v", report, err)
	}
	if _, err := Of([]byte("{")); err == nil {
		t.Error("no JSON is no document")
	}
}

// TestStrangersBytes: what a node says does nothing to a terminal, in a name no more than in a line.
func TestStrangersBytes(t *testing.T) {
	said := "m system 1.0 degr\x1b[2Jaded\r\n" + show("evil\x1b[31m.service\u202e", "ActiveState=failed\x07", "SubState=\x00x") +
		"m journal evil\x1b[31m.service\u202e\nline \x1b]0;title\x07 one\n" + strings.Repeat("more\n", 30) + "m end\n"
	report, err := Read(nil, "m", said)
	text, _ := json.Marshal(report)
	if err != nil || strings.ContainsAny(string(text)+strings.Join(report.Lines(), ""), "\x1b\x07\x00\u202e\r") || strings.Contains(string(text), `\u00`) {
		t.Errorf("got %s, %v", text, err)
	}
}

func FuzzRead(f *testing.F) {
	said, err := os.ReadFile("testdata/answer.txt")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(said))
	f.Add("MARK system 1.0 running\nId=a\nNames=\nMARK journal \nMARK end")
	f.Fuzz(func(t *testing.T, said string) {
		report, err := Read([]Brought{{Name: "nope.service", Starts: true}}, "MARK", said)
		if err != nil {
			return
		}
		if len(report.Failed()) > len(report.Unwell()) || report.Brief() == "" {
			t.Errorf("got %+v", report)
		}
	})
}

// TestScript asks for all, waits for those that start, and quotes names.
func TestScript(t *testing.T) {
	script := Script([]Brought{{Name: `a\x2db.service`, Starts: true}, {Name: "c.timer"}}, 90*time.Second, "m")
	for _, want := range []string{"settle=90 ", `wanted=' a\x2db.service '`, `set -f -- 'a\x2db.service' 'c.timer'` + "\n"} {
		if !strings.Contains(script, want) {
			t.Errorf("no %s in\n%s", want, script)
		}
	}
}
