package facts

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/distributions.md from the table")

func TestPageIsOfTheTable(t *testing.T) {
	path := filepath.Join("..", "..", "..", "docs", "distributions.md")
	if *update {
		if err := os.WriteFile(path, []byte(Page()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != Page() {
		t.Errorf("docs/distributions.md is not what the table says (%v)\nhint: go test ./internal/guest/facts -update", err)
	}
}

func TestTable(t *testing.T) {
	ids := []string{}
	for _, fact := range Table() {
		if slices.Contains(ids, fact.ID) || !regexp.MustCompile(`^[a-z_-]{2,20}$`).MatchString(fact.ID) {
			t.Errorf("%q is twice there, or no short name", fact.ID)
		}
		ids = append(ids, fact.ID)
		if fact.Topic == "" || fact.Needed == "" || len(fact.Claims) == 0 {
			t.Errorf("%s: it has no topic, use or claim", fact.ID)
		}
		for d, claim := range fact.Claims {
			wellSaid(t, fact, d, claim)
		}
	}
}

// wellSaid looks at one claim: what was not read says so or is checked, and nothing is both claimed and only told.
func wellSaid(t *testing.T, fact Fact, d Distribution, claim Claim) {
	t.Helper()
	if claim.Is == "" || strings.ContainsAny(claim.Is+fact.Needed, "|\n") {
		t.Errorf("%s of %s: %q does not go into a table", fact.ID, d, claim.Is)
	}
	if claim.Check != "" && claim.Tells != "" || fact.OnHost && claim.Check+claim.Tells != "" {
		t.Errorf("%s of %s: it is looked at in more than one way", fact.ID, d)
	}
	if (d == FCOS || d == Flatcar) && len(claim.From) == 0 && !fact.Checked(d) && !strings.Contains(claim.Is, "not read") {
		t.Errorf("%s of %s: it has no source, no check, and does not say that it was not read", fact.ID, d)
	}
	for _, source := range claim.From {
		if source.Repo == "" || source.Path == "" || source.At == "" {
			t.Errorf("%s of %s: %v is no source", fact.ID, d, source)
		}
	}
}

func TestSourcesOfThisRepositoryAreThere(t *testing.T) {
	for _, fact := range Table() {
		for _, claim := range fact.Claims {
			for _, source := range claim.From {
				if source.Repo != "this repository" {
					continue
				}
				if _, err := os.Stat(filepath.Join("..", "..", "..", source.Path)); err != nil {
					t.Errorf("%s: %v", fact.ID, err)
				}
			}
		}
	}
}

func TestOf(t *testing.T) {
	fact := Fact{OnHost: true, Claims: map[Distribution]Claim{FCOS: {Is: "a"}, Flatcar: {Is: "b"}, LabFCOS: {Is: "c"}}}
	for d, want := range map[Distribution]string{FCOS: "a", LabFCOS: "c", LabFlatcar: "b", Lab: ""} {
		if got, ok := fact.Of(d); got.Is != want || ok != (want != "") || fact.Checked(d) != ok {
			t.Errorf("%s: got %q, %v", d, got.Is, ok)
		}
	}
}

func TestHasPath(t *testing.T) {
	for path, want := range map[string][2]bool{
		"/bin/bash": {true, true}, "/usr/bin/bash": {true, true}, "/usr/bin/jq": {true, true}, "/usr/bin/python3": {false, false},
		"/usr/lib/flatcar/etcd-wrapper": {false, true}, "/usr/bin/podman": {true, false}, "/opt/bin/x": {false, false},
	} {
		if got := [2]bool{hasPath(FCOS, path), hasPath(Flatcar, path)}; got != want {
			t.Errorf("%s: got %v", path, got)
		}
	}
}

// hasPath reports whether the distribution has a program at the path. Both /bin and /usr/bin are the same folder.
func hasPath(d Distribution, path string) bool {
	return slices.ContainsFunc(Programs, func(p Program) bool {
		at := p.Path
		if at == "" {
			at = "/usr/bin/" + p.Name
		}
		return p.On(d) && merged(at) == merged(path)
	})
}

// merged is the path as it is where /bin is a link to /usr/bin.
func merged(path string) string {
	if strings.HasPrefix(path, "/bin/") || strings.HasPrefix(path, "/sbin/") {
		path = "/usr" + path
	}
	return strings.Replace(path, "/usr/sbin/", "/usr/bin/", 1)
}
