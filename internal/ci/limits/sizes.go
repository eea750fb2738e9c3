package limits

import (
	"fmt"
	"go/ast"
	"maps"
	"slices"
)

// size is how large something is.
type size struct {
	What  string // as an Exception names it
	Limit string
	Have  int
	At    Finding // where it is declared
}

var most = map[string]int{methods: maxMethods, fields: maxFields, lines: maxLines}

// tooLarge finds what is larger than its limit, and exceptions that nothing needs.
func (r Rules) tooLarge(all []size) []Finding {
	findings, needed := []Finding{}, make([]bool, len(r.Exceptions))
	for _, s := range all {
		if s.Have <= most[s.Limit] {
			continue
		}
		i := slices.IndexFunc(r.Exceptions, func(e Exception) bool { return e.Name == s.What && e.Limit == s.Limit })
		if i >= 0 {
			needed[i] = true
			continue
		}
		s.At.Text = fmt.Sprintf("%s has %d %s, %d more than %d", s.What, s.Have, s.Limit, s.Have-most[s.Limit], most[s.Limit])
		findings = append(findings, s.At)
	}
	for i, e := range r.Exceptions {
		if !needed[i] {
			findings = append(findings, Finding{"internal/ci/limits/rules.go", 1, fmt.Sprintf("%s has no more than %d %s: remove this exception", e.Name, most[e.Limit], e.Limit)})
		}
	}
	return findings
}

// sizes are those of all types, structs and packages; of what is in several builds, the largest.
func sizes(all []onePackage) []size {
	largest := map[[2]string]size{}
	for _, p := range all {
		for _, s := range append(p.types(), p.structs()...) {
			key := [2]string{s.What, s.Limit}
			if old, known := largest[key]; !known || old.Have < s.Have {
				largest[key] = s
			}
		}
	}
	return append(folders(all), slices.Collect(maps.Values(largest))...)
}

// types are the package's types, with how many methods they have.
func (p onePackage) types() []size {
	count := map[string]int{}
	for _, f := range p.Files {
		for _, d := range f.Syntax.Decls {
			if function, is := d.(*ast.FuncDecl); is && function.Recv != nil {
				count[receiver(function.Recv.List[0].Type)]++
			}
		}
	}
	all := []size{}
	p.eachType(func(f source, t *ast.TypeSpec) {
		n := count[t.Name.Name]
		if face, is := t.Type.(*ast.InterfaceType); is {
			for _, m := range face.Methods.List {
				n += len(m.Names) // none where another interface is embedded
			}
		}
		all = append(all, size{p.Folder + "." + t.Name.Name, methods, n, f.finding(t.Pos(), "")})
	})
	return all
}

// receiver is the type's name of T, *T or *T[K].
func receiver(of ast.Expr) string {
	switch t := of.(type) {
	case *ast.StarExpr:
		return receiver(t.X)
	case *ast.ParenExpr:
		return receiver(t.X)
	case *ast.IndexExpr:
		return receiver(t.X)
	case *ast.IndexListExpr:
		return receiver(t.X)
	case *ast.Ident:
		return t.Name
	}
	return ""
}

// eachType calls do with each type that the package declares, also inside functions.
func (p onePackage) eachType(do func(source, *ast.TypeSpec)) {
	for _, f := range p.Files {
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			if t, is := n.(*ast.TypeSpec); is {
				do(f, t)
			}
			return true
		})
	}
}

// structs are the package's structs, with how many fields they have. One without a name is called by its place.
func (p onePackage) structs() []size {
	names := map[ast.Node]string{}
	p.eachType(func(_ source, t *ast.TypeSpec) { names[t.Type] = p.Folder + "." + t.Name.Name })
	all := []size{}
	for _, f := range p.Files {
		ast.Inspect(f.Syntax, func(n ast.Node) bool {
			s, is := n.(*ast.StructType)
			if !is {
				return true
			}
			at := f.finding(s.Pos(), "")
			name, named := names[s]
			if !named {
				name = fmt.Sprintf("the struct in line %d of %s", at.Line, f.Path)
			}
			all = append(all, size{name, fields, s.Fields.NumFields(), at})
			return true
		})
	}
	return all
}

// folders are the packages as wholes, with how many lines their folders have: those of all builds.
func folders(all []onePackage) []size {
	counted, at := map[string]bool{}, map[string]size{}
	for _, p := range all {
		for _, f := range p.Files {
			if counted[f.Path] {
				continue
			}
			counted[f.Path] = true
			s, known := at[p.Folder]
			if !known {
				s = size{p.Folder, lines, 0, Finding{File: f.Path, Line: 1}}
			}
			s.Have += f.Lines
			at[p.Folder] = s
		}
	}
	return slices.Collect(maps.Values(at))
}
