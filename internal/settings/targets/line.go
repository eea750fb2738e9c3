package targets

import (
	"errors"
	"slices"
	"strings"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/terminal/hint"
)

// Line is a command line, sorted.
type Line struct {
	Flags   []string // Mage's own
	Targets []Target // in their order; lab is the last one
	Behind  []Target // those that run inside the lab
	Words   []string // settings, those behind lab too
	Inside  []string // what the program inside the lab gets: all behind that word, and the settings before it
	Help    bool     // whether help is wanted: then nothing runs
}

// Parse sorts a command line, and checks that every word of it is a target, or a setting of one of its targets, those behind
// the word lab too. What the settings are set to it does not look at.
func Parse(args []string) (Line, error) {
	outside, behind, inLab := cut(joined(args))
	line, err := parse(outside)
	if err == nil && inLab {
		var inner Line
		inner, err = parse(behind)
		line, err = line.with(inner, behind), errors.Join(err, inner.outOfTheLab())
	}
	if err != nil || line.Help || line.lists() {
		return line, err
	}
	return line, check(line.Words, line.all())
}

// cut parts a command line at the word lab.
func cut(args []string) (outside, behind []string, inLab bool) {
	i := slices.IndexFunc(args, func(arg string) bool { return strings.EqualFold(arg, lab) })
	if i < 0 {
		return args, nil, false
	}
	return args[:i], args[i+1:], true
}

// with is the line with the word lab and what is behind it.
func (l Line) with(inner Line, behind []string) Line {
	runner, _ := Find(lab)
	if len(inner.Targets) > 0 {
		l.Inside = append(slices.Clone(behind), l.Words...)
	}
	l.Words = append(l.Words, inner.Words...)
	l.Targets, l.Behind = append(l.Targets, runner), inner.Targets
	l.Help = l.Help || inner.Help
	return l
}

// outOfTheLab is an error if a target is about the lab from its outside.
func (l Line) outOfTheLab() error {
	for _, t := range l.Targets {
		if t.Name == lab || t.Name == "labdown" {
			return hint.Errorf("`mage "+t.Name+"`", "%s does not run inside the lab", t.Name)
		}
	}
	return nil
}

// all are the targets that take the line's settings.
func (l Line) all() []Target {
	if len(l.Targets) > 0 {
		return slices.Concat(l.Behind, l.Targets)
	}
	up, _ := Find(Default)
	return []Target{up}
}

// lists reports whether Mage is only to list the targets.
func (l Line) lists() bool {
	return slices.ContainsFunc(l.Flags, func(flag string) bool { return strings.TrimLeft(flag, "-") == "l" })
}

// NeedsLibvirt reports whether one of the targets, those inside the lab left out, needs libvirt's binding.
func (l Line) NeedsLibvirt() bool { return l.outside(func(t Target) bool { return t.Libvirt }) }

// AboutCluster reports whether one of them is about a cluster, or nodes of one.
func (l Line) AboutCluster() bool {
	return l.outside(func(t Target) bool { return t.Has("prefix") || t.Has("node") })
}

// StartsLab reports whether the line makes the lab, with or without targets inside.
func (l Line) StartsLab() bool {
	return slices.ContainsFunc(l.Targets, func(t Target) bool { return t.Name == lab })
}

// Engines reports whether all of them do the same for every engine.
func (l Line) Engines() bool { return !l.outside(func(t Target) bool { return !t.Has("engine") }) }

// Data reports whether one of them prints what is for programs, whatever format= says.
func (l Line) Data() bool { return l.outside(func(t Target) bool { return t.Data }) }

// AboutOne is the first of them that is about one cluster, or empty.
func (l Line) AboutOne() (name string) {
	l.outside(func(t Target) bool { name = t.Name; return t.One })
	if target, _ := Find(name); !target.One {
		return ""
	}
	return name
}

// ShowsByLibvirt reports whether one of them shows more with it.
func (l Line) ShowsByLibvirt() bool { return l.outside(func(t Target) bool { return t.Shows }) }

// outside reports whether one of the targets, those inside the lab left out, is such a one.
func (l Line) outside(such func(Target) bool) bool {
	inside := len(l.Targets) > 0 && l.Targets[len(l.Targets)-1].Name == lab
	outside := l.Targets
	if !inside {
		outside = l.all()
	}
	return slices.ContainsFunc(outside, such)
}

// Prints reports whether the line does nothing but print.
func (l Line) Prints() bool {
	return !slices.ContainsFunc(l.all(), func(t Target) bool { return !t.Prints })
}

// Mage is what Mage's own main function gets: it knows no settings.
func (l Line) Mage() []string {
	args := slices.Clone(l.Flags)
	for _, t := range l.Targets {
		args = append(args, t.Name)
	}
	return args
}

// parse sorts words that are not the word lab.
func parse(args []string) (l Line, err error) {
	for i := 0; i < len(args) && err == nil; i++ {
		before, takesNext := isFlag(args[i])
		switch target, is := Find(args[i]); {
		case is && target.Name == help && !l.Help:
			l.Help = true
		case is:
			l.Targets = append(l.Targets, target)
		case isHelp(args[i]):
			l.Help = true
		case before && len(l.Targets) == 0:
			last := min(len(args), i+1+takesNext)
			l.Flags = append(l.Flags, args[i:last]...)
			i = last - 1
		case strings.Contains(args[i], "=") && !before:
			l.Words = append(l.Words, args[i])
		default:
			err = unknownAt(args, i)
		}
	}
	return l, err
}

// unknownAt is an error about the word at i.
func unknownAt(args []string, i int) error {
	if i > 0 && isParted(args[i-1]) {
		return hint.Errorf("did you mean "+args[i-1]+args[i]+" ?", "%s %s: between a setting and its value there is no space", args[i-1], args[i])
	}
	return unknown(args[i:])
}

// joined are the words, with those made one that a setting was parted into: nodes = 2, or nodes =2.
func joined(args []string) (words []string) {
	for i := 0; i < len(args); i++ {
		behind := args[i+1:]
		if settings.Known(args[i], "") != nil || len(behind) == 0 || !strings.HasPrefix(behind[0], "=") {
			words = append(words, args[i])
			continue
		}
		i++
		word := args[i-1] + args[i]
		if args[i] == "=" && len(behind) > 1 {
			i++
			word += args[i]
		}
		words = append(words, word)
	}
	return words
}

// isParted reports whether the word is a setting without a value.
func isParted(word string) bool {
	name, value, has := strings.Cut(word, "=")
	return has && value == "" && settings.Known(name, "") == nil
}

// isHelp reports whether the word asks for help. Mage takes it only before a target.
func isHelp(word string) bool {
	return slices.Contains([]string{"-h", "--h", "-help", "--help"}, word)
}

// isFlag tells a flag of Mage's own (-t=10m) from a word that only looks like one (--nodes=3), and how many words behind it
// are its value.
func isFlag(word string) (is bool, next int) {
	name, _, has := strings.Cut(strings.TrimLeft(word, "-"), "=")
	if !strings.HasPrefix(word, "-") || !slices.Contains([]string{"t", "v", "l", "h"}, name) {
		return false, 0
	}
	if name == "t" && !has {
		return true, 1
	}
	return true, 0
}
