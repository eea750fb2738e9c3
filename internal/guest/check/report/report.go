// Package report writes what became of tests for programs: JUnit's XML, TAP and JSON.
package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jstemmer/go-junit-report/v2/junit"
	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/guest/check"
	"coreos-libvirt/internal/terminal/table"
)

// Formats are those that Write knows, as format= names them.
var Formats = []string{"tap", "junit", "json"}

// Write writes the results in the format.
func Write(w io.Writer, format string, all []check.Result) error {
	switch format {
	case "tap":
		return tap(w, all)
	case "junit":
		return junitXML(w, all)
	case "json":
		return table.JSON(w, described(all))
	}
	return fmt.Errorf("format=%s: results are written as %s", format, strings.Join(Formats, ", "))
}

// result is one as JSON has it.
type result struct {
	Test    string  `json:"test"`
	Node    string  `json:"node"`
	Status  string  `json:"status"`            // passed, failed or skipped
	Why     string  `json:"why,omitempty"`     // of what has not passed
	Seconds float64 `json:"seconds"`           // it took
	Reboots int     `json:"reboots,omitempty"` // of the node, that it asked for
	Output  string  `json:"output,omitempty"`  // the first MiB
}

func described(all []check.Result) []result {
	list := []result{}
	for _, r := range all {
		list = append(list, result{r.Test, r.Node, string(r.Status), r.Why, r.Took.Round(time.Millisecond).Seconds(), r.Reboots, r.Output})
	}
	return list
}

// junitXML has a suite a node.
func junitXML(w io.Writer, all []check.Result) error {
	report, at := junit.Testsuites{Name: "mage check"}, map[string]int{}
	suites, took := []junit.Testsuite{}, []time.Duration{}
	for _, r := range all {
		i, is := at[r.Node]
		if !is {
			i = len(suites)
			at[r.Node] = i
			suites, took = append(suites, junit.Testsuite{Name: r.Node, ID: i, Hostname: r.Node}), append(took, 0)
		}
		suites[i].AddTestcase(testcase(r))
		took[i] += r.Took
	}
	for i, suite := range suites {
		suite.Time = seconds(took[i])
		report.AddSuite(suite)
	}
	if _, err := io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"); err != nil {
		return err
	}
	return report.WriteXML(w)
}

func testcase(r check.Result) junit.Testcase {
	c := junit.Testcase{Name: r.Test, Classname: r.Node, Time: seconds(r.Took)}
	switch r.Status {
	case check.Failed:
		c.Failure = &junit.Result{Message: r.Why, Data: plain(r.Output)}
	case check.Skipped:
		c.Skipped = &junit.Result{Message: r.Why}
	case check.Passed:
	}
	if r.Status != check.Failed && r.Output != "" {
		c.SystemOut = &junit.Output{Data: plain(r.Output)}
	}
	return c
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }

// plain is a text for a CDATA section, which has no way to write its own end, nor characters that are none of XML's
// (https://www.w3.org/TR/xml/#charsets).
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return utf8.RuneError
		}
		return r
	}, text)
	return strings.ReplaceAll(text, "]]>", "]] >")
}

// tap is TAP 13 (testanything.org): a point a result, with why it failed and what it said as YAML.
func tap(w io.Writer, all []check.Result) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "TAP version 13\n1..%d\n", len(all))
	for i, r := range all {
		ok, more := "ok", ""
		switch r.Status {
		case check.Failed:
			ok = "not ok"
		case check.Skipped:
			more = " # SKIP " + strings.ReplaceAll(r.Why, "\n", " ")
		case check.Passed:
		}
		fmt.Fprintf(out, "%s %d - %s %s%s\n", ok, i+1, r.Node, r.Test, more)
		if r.Status == check.Failed {
			about, err := yaml.Marshal(map[string]string{"message": r.Why, "output": r.Output})
			if err != nil {
				return err
			}
			fmt.Fprintf(out, "  ---\n  %s\n  ...\n", strings.ReplaceAll(strings.TrimSpace(string(about)), "\n", "\n  "))
		}
	}
	return out.Flush()
}
