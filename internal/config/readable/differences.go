package readable

import (
	"strings"

	"github.com/aymanbagabas/go-udiff"
)

// Difference is a unified diff of documents, without the lines that name files, and the nodes that have these lines changed.
type Difference struct {
	Nodes []string
	Hunks string
}

// Differences are those between the nodes' documents before and after, as Document shows them: one for all nodes that have
// the same lines changed.
func Differences(nodes []string, before, after map[string]string) (all []Difference) {
	places := map[string]int{} // in all, by the changed lines
	for _, node := range nodes {
		diff := udiff.Unified("", "", before[node], after[node])
		if diff == "" {
			continue
		}
		changed := changedLines(diff)
		place, known := places[changed]
		if !known {
			_, hunks, _ := strings.Cut(diff, "@@")
			place = len(all)
			places[changed], all = place, append(all, Difference{Hunks: "@@" + strings.TrimSuffix(hunks, "\n")})
		}
		all[place].Nodes = append(all[place].Nodes, node)
	}
	return all
}

// changedLines are a diff's lines that were taken away or added, without those around them.
func changedLines(diff string) string {
	var changed strings.Builder
	for line := range strings.Lines(diff) {
		if line[0] == '+' || line[0] == '-' {
			changed.WriteString(line)
		}
	}
	return changed.String()
}
