package release

import (
	"bytes"
	"debug/buildinfo"
	"runtime/debug"
	"strings"
	"time"

	"github.com/CycloneDX/cyclonedx-go"
)

// billOf lists what the program is made of, as Go noted it in there: a CycloneDX 1.6 document (ECMA-424), with a time that is given.
func billOf(binary, version string, at time.Time) ([]byte, error) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	return listOf(info, version, at)
}

func listOf(info *debug.BuildInfo, version string, at time.Time) ([]byte, error) {
	own := cyclonedx.Component{BOMRef: program, Type: cyclonedx.ComponentTypeApplication, Name: program, Version: version}
	parts := []cyclonedx.Component{library("std", strings.TrimPrefix(info.GoVersion, "go"), "")}
	for _, module := range info.Deps {
		parts = append(parts, moduleOf(module))
	}
	refs := []string{}
	for _, part := range parts {
		refs = append(refs, part.BOMRef)
	}
	bill := cyclonedx.NewBOM()
	bill.Metadata = &cyclonedx.Metadata{Timestamp: at.Format(time.RFC3339), Component: &own}
	bill.Components, bill.Dependencies = &parts, &[]cyclonedx.Dependency{{Ref: program, Dependencies: &refs}}
	var text bytes.Buffer
	err := cyclonedx.NewBOMEncoder(&text, cyclonedx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bill, cyclonedx.SpecVersion1_6)
	return text.Bytes(), err
}

// moduleOf is the module that was built in: the one in place of the one that was asked for, if there is one.
func moduleOf(m *debug.Module) cyclonedx.Component {
	if m.Replace != nil {
		m = m.Replace
	}
	return library(m.Path, m.Version, m.Sum)
}

// library is a component by its package URL (ECMA-427). sum is Go's digest of the module, h1:…, which is of a list of its files' digests.
func library(path, version, sum string) cyclonedx.Component {
	url := "pkg:golang/" + path + "@" + strings.ReplaceAll(version, "+", "%2B")
	c := cyclonedx.Component{BOMRef: url, Type: cyclonedx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: url}
	if sum != "" {
		c.Properties = &[]cyclonedx.Property{{Name: "go:sum", Value: sum}}
	}
	return c
}
