package stage

import (
	"fmt"

	"coreos-libvirt/internal/cluster"
)

func (r *Run) sayStep(step cluster.Step) {
	name := step.Node.Name
	if step.Drift != "" {
		r.log.Say("%s: %s since it was made; it goes on as it is (hint: %s)", name, step.Drift, anewBy(step))
	}
	if step.Edited != "" {
		r.log.Say("%s: somebody else changed its definition (hint: redefine=true overwrites that)\n%s", name, step.Edited)
	}
	switch step.Action {
	case cluster.Create:
		r.log.Say("%s: defined, %s", name, step.Why)
	case cluster.Recreate:
		r.log.Say("%s: to be made anew, %s", name, step.Why)
	case cluster.Redefine:
		r.log.Say("%s: redefined, %s%s", name, step.Why, takesEffect(step))
	case cluster.Keep:
		r.log.Say("%s: %s%s", name, step.Why, takesEffect(step))
	}
}

// anewBy is how a node that drifted is made anew.
func anewBy(step cluster.Step) string {
	if step.Edited != "" {
		return fmt.Sprintf("recreate=%s makes it anew, without what somebody else changed", step.Node.Name)
	}
	return "recreate=changed makes it anew"
}

// outdated is what is said of a running node whose definition is newer than it.
const outdated = "it was started before its definition changed, which takes effect with `mage restart`"

// takesEffect tells when what changed in a running node's definition takes effect.
func takesEffect(step cluster.Step) string {
	switch {
	case step.Restart && len(step.Live) > 0:
		return "; the running node takes its network, the rest takes effect with `mage restart`"
	case len(step.Live) > 0:
		return "; the running node takes it"
	case step.Restart && step.Action == cluster.Keep:
		return "; " + outdated
	case step.Restart:
		return "; it takes effect with `mage restart`"
	}
	return ""
}
