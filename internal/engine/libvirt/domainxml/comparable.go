package domainxml

import (
	"regexp"
	"slices"
	"strings"
)

var (
	controllers = regexp.MustCompile(`(?s)[ \t]*<controller [^>]*(?:/>|[^/]>.*?</controller>)\n`)
	nvram       = regexp.MustCompile(`[ \t]*<nvram.*\n`)
)

// Comparable is a definition without what libvirt adds by itself when the domain first starts. Its controllers are sorted,
// at its end: libvirt puts them in another order by itself.
func Comparable(text string) string {
	sorted := controllers.FindAllString(text, -1)
	slices.Sort(sorted)
	return nvram.ReplaceAllString(controllers.ReplaceAllString(text, ""), "") + strings.Join(sorted, "")
}
