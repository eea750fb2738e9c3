package link

import (
	"errors"
	"strconv"
	"strings"
)

// Ports are two of TCP: Here is one of this host, 0 any that is free, There one of a node, 0 if none was given.
type Ports struct{ Here, There int }

// ParsePorts takes "80", the same here and there, or "8080:80", or nothing.
func ParsePorts(text string) (p Ports, err error) {
	if text == "" {
		return p, nil
	}
	here, there, two := strings.Cut(text, ":")
	if !two {
		there = here
	}
	var failed [2]error
	p.Here, failed[0] = strconv.Atoi(here)
	p.There, failed[1] = strconv.Atoi(there)
	if errors.Join(failed[:]...) != nil || min(p.Here, p.There-1) < 0 || max(p.Here, p.There) > 65535 {
		return p, errors.New("a port of the node is allowed, 80, or one here and one there, 8080:80")
	}
	return p, nil
}
