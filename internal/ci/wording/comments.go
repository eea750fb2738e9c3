package wording

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// Comment is what stands above an exported name, or a package.
type Comment struct {
	Name string
	Text string // without code, links to other names, and the name itself
	At   token.Position
}

// Comments are those of all packages below the folder.
func Comments(root string) (found []Comment, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "vm" || name == "dist"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		of, err := commentsOf(path)
		found = append(found, of...)
		return err
	})
	return found, err
}

// commentsOf are those of one file.
func commentsOf(path string) (found []Comment, err error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	note := func(name *ast.Ident, doc *ast.CommentGroup) {
		if doc != nil && (name.IsExported() || name == file.Name) {
			found = append(found, Comment{name.Name, plain(doc.Text(), name.Name), set.Position(doc.Pos())})
		}
	}
	note(file.Name, file.Doc)
	for _, d := range file.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			note(d.Name, d.Doc)
		case *ast.GenDecl:
			each(d, note)
		}
	}
	return found, nil
}

// each notes what stands above the names of a declaration: above all of them, if it is one.
func each(d *ast.GenDecl, note func(*ast.Ident, *ast.CommentGroup)) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			note(spec.Name, either(spec.Doc, d.Doc))
		case *ast.ValueSpec:
			note(spec.Names[0], either(spec.Doc, d.Doc))
		}
	}
}

// either is the comment of the name alone, or that of the declaration.
func either(own, ofAll *ast.CommentGroup) *ast.CommentGroup {
	if own != nil {
		return own
	}
	return ofAll
}

// code is code within a comment, and a link to another name.
var code = regexp.MustCompile("`[^`]*`|\\[[A-Za-z.]+\\]")

// plain is the comment without what the rule about words is not for.
func plain(text, name string) string {
	text = code.ReplaceAllString(strings.ReplaceAll(text, "\n", " "), "…")
	return regexp.MustCompile(`\b`+regexp.QuoteMeta(name)+`\b`).ReplaceAllString(text, "…")
}
