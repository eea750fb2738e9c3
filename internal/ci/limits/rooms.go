package limits

import (
	"fmt"
	"slices"
	"strings"
)

// Room is a folder with what is below it, but for those rooms below it that have a line of their own.
type Room struct {
	Path  string   // from the module's folder
	Knows []string // the rooms that it may import, beside itself
}

// below is what a room knows that may import every one in a line below its own.
const below = "all below"

// everybody is the room that each may import.
const everybody = "internal/terminal"

// unknown finds imports of rooms that the importing one does not know, and packages that are in no room.
func (r Rules) unknown(packages []onePackage) []Finding {
	findings := []Finding{}
	for _, p := range packages {
		if len(p.Files) == 0 {
			continue
		}
		room, known := r.room(p.Folder)
		if !known {
			findings = append(findings, Finding{p.Files[0].Path, 1, fmt.Sprintf("the package %s is in no room: add it to Rooms in internal/ci/limits", p.Folder)})
			continue
		}
		for _, f := range p.Files {
			findings = append(findings, r.unknownOf(room, p.Module, f)...)
		}
	}
	return findings
}

// unknownOf finds the file's imports of rooms that its own does not know.
func (r Rules) unknownOf(room Room, module string, f source) []Finding {
	findings := []Finding{}
	for _, i := range f.Syntax.Imports {
		folder, own := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), module+"/")
		if !own {
			continue
		}
		if to, _ := r.room(folder); !r.may(room, to) {
			findings = append(findings, f.finding(i.Pos(), "%s must not import %s: it knows %s", room.Path, folder, room.words()))
		}
	}
	return findings
}

// room is the one that the folder is in: of several, the innermost.
func (r Rules) room(folder string) (in Room, known bool) {
	for _, room := range r.Rooms {
		if (folder == room.Path || strings.HasPrefix(folder, room.Path+"/")) && len(room.Path) > len(in.Path) {
			in, known = room, true
		}
	}
	return in, known
}

// may reports whether one room may import the other.
func (r Rules) may(room, know Room) bool {
	line := func(of Room) int { return slices.IndexFunc(r.Rooms, func(r Room) bool { return r.Path == of.Path }) }
	return know.Path == room.Path || know.Path == everybody || slices.Contains(room.Knows, know.Path) ||
		slices.Contains(room.Knows, below) && !slices.Contains(r.Private, know.Path) && line(know) > line(room)
}

// words are the rooms that it knows.
func (r Room) words() string {
	return strings.Join(append(slices.Clone(r.Knows), everybody), ", ")
}
