package facts

import (
	"fmt"
	"slices"
	"strings"
)

// Page is docs/distributions.md.
func Page() string {
	p := &page{}
	p.line("# The distributions, as this project relies on them")
	p.line("")
	p.line("<!-- Made from internal/guest/facts: `go test ./internal/guest/facts -update`. Do not edit. -->")
	p.line("")
	p.line("What follows was read in the sources of Fedora CoreOS and Flatcar; small numbers lead to them. What has no number was")
	p.line("not read: it is expected. `mage selftest image=fcos-stable` boots one node of the real image on your host and checks")
	p.line("each line; names in the first column are those of its report, and the ones in *italics* are not checked there.")
	for _, topic := range topics() {
		p.topic(topic)
	}
	p.programs()
	p.sources()
	return strings.Join(p.lines, "\n") + "\n"
}

// page collects lines, and the sources that they name.
type page struct {
	lines   []string
	numbers []Source
}

func (p *page) line(format string, args ...any) {
	p.lines = append(p.lines, fmt.Sprintf(format, args...))
}

func topics() (all []string) {
	for _, fact := range Table() {
		if !slices.Contains(all, fact.Topic) {
			all = append(all, fact.Topic)
		}
	}
	return all
}

func (p *page) topic(topic string) {
	p.line("\n## %s\n", topic)
	p.line("| fact | for | Fedora CoreOS | Flatcar | the lab's stand-ins |")
	p.line("| --- | --- | --- | --- | --- |")
	for _, fact := range Table() {
		if fact.Topic == topic {
			p.line("| %s | %s | %s | %s | %s |", fact.name(), fact.Needed, p.cell(fact, FCOS), p.cell(fact, Flatcar), p.standIns(fact))
		}
	}
}

// name is the fact's, in italics where no real image is checked for it.
func (f Fact) name() string {
	if f.Checked(FCOS) || f.Checked(Flatcar) {
		return "`" + f.ID + "`"
	}
	return "*" + f.ID + "*"
}

func (p *page) cell(fact Fact, d Distribution) string {
	claim, ok := fact.Claims[d]
	if !ok {
		return "–"
	}
	return claim.Is + p.refer(claim.From)
}

// standIns are the claims about stand-ins that differ from what they stand for.
func (p *page) standIns(fact Fact) string {
	said := []string{}
	for _, d := range []Distribution{Lab, LabFCOS, LabFlatcar} {
		if claim, ok := fact.Claims[d]; ok && claim.Is != fact.Claims[FCOS].Is {
			said = append(said, fmt.Sprintf("`%s`: %s", d, claim.Is))
		}
	}
	if len(said) == 0 {
		return "the same"
	}
	return strings.Join(said, "; ")
}

// refer are the numbers of sources.
func (p *page) refer(from []Source) (text string) {
	for _, source := range from {
		at := slices.Index(p.numbers, source)
		if at < 0 {
			at = len(p.numbers)
			p.numbers = append(p.numbers, source)
		}
		text += fmt.Sprintf(" [%d](#s%d)", at+1, at+1)
	}
	return text
}

func (p *page) programs() {
	p.line("\n## Programs\n")
	p.line("By the package that has each%s. The tests of files for nodes refuse calls of any that is not in the column of", p.refer(slices.Concat(fcosPackages, flatcarPackages, labPackages)))
	p.line("their distribution.\n")
	p.line("| program | Fedora CoreOS | Flatcar | `lab` |")
	p.line("| --- | --- | --- | --- |")
	for _, program := range Programs[len(coreutils)-1:] { // one row for all of that package
		cells := []any{"`" + program.Name + "`"}
		if program.Name == coreutils[len(coreutils)-1] {
			cells[0] = "`" + strings.Join(coreutils, "`, `") + "`"
		}
		for _, d := range []Distribution{FCOS, Flatcar, Lab} {
			cell := program.in(d)
			if cell == "" {
				cell = "–"
			}
			cells = append(cells, cell)
		}
		p.line("| %s | %s | %s | %s |", cells...)
	}
}

func (p *page) sources() {
	p.line("\n## Sources\n")
	for i, source := range p.numbers {
		p.line("%d. <a id=\"s%d\"></a>%s, `%s`, %s", i+1, i+1, source.Repo, source.Path, source.At)
	}
}
