package facts

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Report is all that was found on one node.
type Report struct {
	Distribution Distribution
	Image        string   // as the user named it
	Version      string   // of the image, or empty
	About        []string // lines about the host and the run
	Results      map[string]Result
}

// Of is what was found of a fact. What nobody came to look at is not known.
func (r Report) Of(fact Fact) Result {
	result, ok := r.Results[fact.ID]
	if !ok {
		return notLookedAt
	}
	return result
}

var notLookedAt = Result{Unknown, "not looked at"}

// lines are the facts that are looked at on the distribution.
func (r Report) lines() (facts []Fact) {
	for _, fact := range Table() {
		if fact.Checked(r.Distribution) {
			facts = append(facts, fact)
		}
	}
	return facts
}

// Count is how many facts have the status.
func (r Report) Count(status Status) (n int) {
	for _, fact := range r.lines() {
		if r.Of(fact).Status == status {
			n++
		}
	}
	return n
}

// Good reports whether nothing is wrong and all was looked at, but for what this host has nothing of.
func (r Report) Good() bool {
	for _, fact := range r.lines() {
		if result := r.Of(fact); result.Status == Wrong || result.Status == Unknown && !strings.HasPrefix(result.Evidence, hostHasNot) {
			return false
		}
	}
	return true
}

// hostHasNot begins the evidence of facts that cannot be looked at on every host.
const hostHasNot = "this host has no "

// HostHasNot is the result of a fact that cannot be looked at on this host.
func HostHasNot(what string) Result { return Result{Unknown, hostHasNot + what} }

// columns is how wide a terminal surely is.
const columns = 80

// Print writes a line a fact, in 80 columns, and in full what is wrong.
func (r Report) Print(w io.Writer) {
	fmt.Fprintf(w, "%-17s %-7s  %s\n", "FACT", "STATUS", "SEEN")
	for _, fact := range r.lines() {
		result := r.Of(fact)
		if result == notLookedAt {
			continue // the summary counts them
		}
		line := fmt.Sprintf("%-17s %-7s  %s", fact.ID, result.Status, strings.Join(strings.Fields(result.Evidence), " "))
		fmt.Fprintln(w, strings.TrimRight(ansi.Truncate(line, columns-1, "…"), " "))
	}
	for _, fact := range r.lines() {
		if result := r.Of(fact); result.Status == Wrong {
			claim, _ := fact.Of(r.Distribution)
			fmt.Fprintf(w, "\n%s: expected: %s\n    %s\n", fact.ID, claim.Is, strings.ReplaceAll(result.Evidence, "\n", "\n    "))
		}
	}
	fmt.Fprintf(w, "\n%s\n", r.summary())
}

func (r Report) summary() string {
	return fmt.Sprintf("%d of %d facts hold; wrong: %d, nothing claimed: %d, not known: %d",
		r.Count(Holds), len(r.lines()), r.Count(Wrong), r.Count(Tells), r.Count(Unknown))
}

// Markdown is the report as one attaches it to an issue, without what is only this host's and this node's.
func (r Report) Markdown() string {
	text := &strings.Builder{}
	fmt.Fprintf(text, "# selftest of %s\n\n", strings.TrimSpace(r.Image+" "+r.Version))
	for _, line := range append(r.About, "table: "+string(r.Distribution), r.summary()) {
		fmt.Fprintf(text, "- %s\n", line)
	}
	fmt.Fprintf(text, "\n| fact | status | expected | seen |\n| --- | --- | --- | --- |\n")
	cell := strings.NewReplacer("|", "\\|", "\n", "<br>", "<", "&lt;", ">", "&gt;")
	for _, fact := range r.lines() {
		claim, _ := fact.Of(r.Distribution)
		result := r.Of(fact)
		fmt.Fprintf(text, "| %s | %s | %s | %s |\n", fact.ID, result.Status, cell.Replace(claim.Is), cell.Replace(result.Evidence))
	}
	return WithoutSecrets(text.String())
}

// secrets are texts that belong to one host, node or user, and what stands for them.
var secrets = []struct {
	text *regexp.Regexp
	is   string
}{
	{regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*-----.*?(-----END [A-Z ]*-----|$)`), "(key)"},
	{regexp.MustCompile(`\bAAAA[A-Za-z0-9+/=]{16,}( \S+@\S+)?`), "(key)"},
	{regexp.MustCompile(`\bSHA256:[A-Za-z0-9+/=]{20,}`), "(fingerprint)"},
	{regexp.MustCompile(`://[^/\s@]+@`), "://(hidden)@"},
	{regexp.MustCompile(`\$(5|6|y|2b|1|gy|7)\$[^\s|'"]+`), "(hash)"},
	{regexp.MustCompile(`(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`), "(id)"},
	{regexp.MustCompile(`(?i)\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b`), "(mac)"},
	{regexp.MustCompile(`\b[0-9a-fA-F]{32,}\b`), "(digest)"},
	{regexp.MustCompile(`(?i)\b[0-9a-f]{1,4}(:[0-9a-f]{1,4}){3,7}\b|\b[0-9a-f]{1,4}(:[0-9a-f]{1,4})*::([0-9a-f]{1,4}(:[0-9a-f]{1,4})*)?`), "(address)"},
	{regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b`), "(address)"},
	{regexp.MustCompile(`(?i)(token|password|passwd|secret)(["']?\s*[=:]\s*["']?)[^\s"',|]+`), "$1$2(hidden)"},
	{regexp.MustCompile(`(/home|/root|/Users)(/[^\s:'"|]*)+`), "(path)"},
}

// WithoutSecrets is the text without keys, hashes, tokens, ids, addresses, and paths below homes. 127.0.0.1 stays.
func WithoutSecrets(text string) string {
	const local, kept = "127.0.0.1", "\x00local\x00"
	text = strings.ReplaceAll(text, local, kept)
	for _, secret := range secrets {
		text = secret.text.ReplaceAllString(text, secret.is)
	}
	return strings.ReplaceAll(text, kept, local)
}
