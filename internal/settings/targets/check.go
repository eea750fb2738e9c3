package targets

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/secret"
	"coreos-libvirt/internal/terminal/hint"
)

// check is an error if a setting is one that none of the targets takes.
func check(words []string, targets []Target) error {
	for _, word := range words {
		key, value, _ := strings.Cut(word, "=")
		if err := settings.Known(key, value); err != nil {
			return err
		}
		if err := taken(key, word, targets); err != nil {
			return err
		}
	}
	return nil
}

// taken is an error if the setting would have no effect, or one of the targets would do without it what nobody means.
func taken(key, word string, targets []Target) error {
	if _, value, has := strings.Cut(word, "="); has {
		word = key + "=" + secret.Shown(key, value)
	}
	names, is := []string{}, false
	for _, t := range targets {
		if advice, never := t.Never[key]; never {
			return hint.Errorf(advice, "%s: %s does not take %s=", word, t.Name, key)
		}
		names, is = append(names, t.Name), is || t.Has(key)
	}
	if is {
		return reports(word, names, targets)
	}
	for _, t := range targets {
		if advice, has := t.Advice[key]; has {
			return hint.Errorf(advice, "%s: %s does not take %s=", word, t.Name, key)
		}
	}
	return hint.Errorf(whoTakes(key, targets[0]), "%s: %s does not take %s=", word, strings.Join(names, ", "), key)
}

// special are the formats that only some targets have.
func special() (all []string) {
	for _, t := range All {
		all = append(all, t.Formats...)
	}
	return all
}

// reports is an error if the word asks for a format that none of the targets has.
func reports(word string, names []string, targets []Target) error {
	format, is := strings.CutPrefix(word, "format=")
	if !is || !slices.Contains(special(), format) || slices.ContainsFunc(targets, func(t Target) bool { return slices.Contains(t.Formats, format) }) {
		return nil
	}
	return hint.Errorf("format=json, or format=table", "%s: %s has no such format", word, strings.Join(names, ", "))
}

// whoTakes is advice for a setting that the target does not take.
func whoTakes(key string, t Target) string {
	takers := slices.DeleteFunc(takers(key), func(name string) bool { return name == "settings" })
	return fmt.Sprintf("%s= is a setting of %s; `mage help %s` lists those of %s", key, strings.Join(takers, ", "), t.Name, t.Name)
}

// nodeName is how the names of nodes look.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*[0-9]{2,}$`)

// unknown is the error of the first of the words, which is neither a target nor a setting.
func unknown(words []string) error {
	word := words[0]
	name := strings.TrimLeft(word, "-")
	flag, _ := isFlag(word)
	switch {
	case word == "":
		return hint.Errorf("a variable of your shell may be empty", "there is an empty word on the command line")
	case flag:
		return hint.Errorf(fmt.Sprintf("mage %s <target>", word), "%s is a flag of Mage's: it stands before the targets", word)
	case settings.Known(name, "") == nil:
		return hint.Errorf("did you mean "+name+"="+valueBehind(words)+" ?", "%q is a setting, and has no value", word)
	case len(words) > 1 && strings.HasPrefix(words[1], "="):
		return settings.Known(name, strings.TrimPrefix(strings.Join(words[1:min(3, len(words))], ""), "="))
	case nodeName.MatchString(word):
		return hint.Errorf("did you mean node="+word+" ? "+list(), "there is no target %q", word)
	}
	if near := hint.Nearest(name, Names()); near != "" {
		return hint.Errorf("did you mean "+near+" ? "+list(), "there is no target %q", word)
	}
	return hint.Errorf(list(), "there is no target %q", word)
}

// valueBehind is the word behind the first, if it can be the first one's value.
func valueBehind(words []string) string {
	if len(words) < 2 || strings.ContainsAny(words[1], "=-") {
		return "…"
	}
	if _, target := Find(words[1]); target {
		return "…"
	}
	return words[1]
}

func list() string { return "targets are " + strings.Join(Names(), ", ") }
