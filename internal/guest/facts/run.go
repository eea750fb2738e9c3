package facts

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"coreos-libvirt/internal/terminal/printable"
	"coreos-libvirt/internal/terminal/shellword"
)

// Status is what became of a fact on a node.
type Status string

// The statuses. [Tells] is of what nothing is claimed about, Unknown of what could not be looked at.
const (
	Holds   Status = "holds"
	Wrong   Status = "wrong"
	Tells   Status = "tells"
	Unknown Status = "unknown"
)

// Result is a fact as it was found, and what showed that.
type Result struct {
	Status   Status
	Evidence string
}

// Found is the result of a check on the host.
func Found(holds bool, format string, args ...any) Result {
	if holds {
		return Result{Holds, fmt.Sprintf(format, args...)}
	}
	return Result{Wrong, fmt.Sprintf(format, args...)}
}

const (
	// patience is how long a check may take, in seconds: an emulated machine is slow.
	patience = 60
	// most is how much of what a check prints is kept, in bytes.
	most = 2000
)

// Script is what a POSIX shell runs in a node, as root, to look at all facts of the distribution that are not the
// host's to check. mark begins each line that Parse reads.
func Script(d Distribution, mark string) string {
	script := &strings.Builder{}
	fmt.Fprintf(script, `export LC_ALL=C
look() {
  said=$(timeout %d sh -c "$2" 2>&1 </dev/null)
  status=$?
  echo "%s $1 $status $(printf '%%s' "$said" | head -c %d | base64 | tr -d '\n')"
}
`, patience, mark, most)
	for _, fact := range Table() {
		if claim, ok := fact.Of(d); ok && claim.Check+claim.Tells != "" {
			fmt.Fprintf(script, "look %s %s\n", fact.ID, shellword.Of(claim.Check+claim.Tells))
		}
	}
	return script.String()
}

// Parse reads what Script printed. Anything else that a node says is passed over.
func Parse(d Distribution, mark, output string) map[string]Result {
	results := map[string]Result{}
	for line := range strings.Lines(output) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != mark {
			continue
		}
		status, err := strconv.Atoi(words[2])
		if err != nil {
			continue
		}
		if claim, ok := claimOf(words[1], d); ok {
			results[words[1]] = claim.result(status, decoded(words[3:]))
		}
	}
	return results
}

func claimOf(id string, d Distribution) (Claim, bool) {
	for _, fact := range Table() {
		if fact.ID == id {
			return fact.Of(d)
		}
	}
	return Claim{}, false
}

// result is what the exit status of the claim's commands means.
func (c Claim) result(status int, said string) Result {
	const timedOut = 124 // timeout(1)
	switch {
	case status == timedOut:
		return Result{Wrong, fmt.Sprintf("no answer within %d s: %s", patience, said)}
	case c.Check == "":
		return Result{Tells, said}
	case status == 0:
		return Result{Holds, said}
	case said == "":
		said = fmt.Sprintf("exit status %d", status)
	}
	return Result{Wrong, said}
}

// decoded is the text that the words carry, as it may be printed.
func decoded(words []string) string {
	data, err := base64.StdEncoding.DecodeString(strings.Join(words, ""))
	if err != nil {
		return ""
	}
	return printable.Text(string(data[:min(len(data), most)]))
}
