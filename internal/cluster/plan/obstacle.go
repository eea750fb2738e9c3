package plan

// Obstacle is what keeps a step from being carried out as it is. The zero value is none.
type Obstacle struct {
	What string // is wrong
	Way  string // out of it, beside that the node is recreated
}

// None tells whether there is none.
func (o Obstacle) None() bool { return o.What == "" }

// refusal is why the step is not carried out.
func (f Found) refusal(s Step) (none Obstacle) {
	if s.Starts() && !s.Makes() {
		return f.Unbootable
	}
	return none
}
