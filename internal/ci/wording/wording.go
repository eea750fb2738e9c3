// Package wording reads all that the project says to people, as it stands in the sources, and finds words that are hard to read.
package wording

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Message is a text of a program that a person may read.
type Message struct {
	Package string // its folder, from the project's root
	Text    string
	At      token.Position
}

// words are the least that a text has to be a message, if no function says that it is one.
const words = 3

// sayers are functions and methods whose texts are messages, however short.
var sayers = map[string]bool{
	"Say": true, "SayOwn": true, "say": true, "Errorf": true, "New": true, "Add": true, "warn": true, "Warn": true, "Sprintf": false,
}

// codes are functions whose texts are for programs.
var codes = map[string]bool{
	"MustCompile": true, "Compile": true, "Command": true, "CommandContext": true, "NewReplacer": true, "ReplaceAll": true, "Contains": true,
	"HasPrefix": true, "HasSuffix": true, "Cut": true, "CutPrefix": true, "CutSuffix": true, "Index": true, "Split": true, "TrimPrefix": true, "TrimSuffix": true,
}

// isWords is what a message has and code has not: words with a space between them.
var isWords = regexp.MustCompile(`^(?:[^A-Za-z]*[A-Za-z][a-z']*[,;:.)]? ){2}`)

// short is what the least message has: a word and a space.
var short = regexp.MustCompile(`[A-Za-z]{2}.* |\S .*[A-Za-z]{2}`)

// Read gives the messages of all packages below the folder, sorted, each once a package.
func Read(root string) ([]Message, error) {
	found := []Message{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := entry.Name(); {
		case entry.IsDir() && path != root && isLeftOut(name):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		of, err := file(root, path)
		found = append(found, of...)
		return err
	})
	slices.SortFunc(found, func(a, b Message) int {
		return strings.Compare(a.Package+"\x00"+a.Text, b.Package+"\x00"+b.Text)
	})
	return slices.CompactFunc(found, func(a, b Message) bool { return a.Package == b.Package && a.Text == b.Text }), err
}

// isLeftOut reports whether nothing in the folder of that name is said to people.
func isLeftOut(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains([]string{"testdata", "testkit", "wording", "vm", "dist"}, name)
}

// file gives the messages of one file.
func file(root, path string) (found []Message, err error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	folder, err := filepath.Rel(root, filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	texts(parsed, func(literal *ast.BasicLit, said bool) {
		text, err := strconv.Unquote(literal.Value)
		if err == nil && (said && short.MatchString(text) || isWords.MatchString(text+" ") && len(strings.Fields(text)) >= words) {
			found = append(found, Message{filepath.ToSlash(folder), text, set.Position(literal.Pos())})
		}
	})
	return found, nil
}

// texts visits the literals of a file that are not for programs. said tells that a function says them.
func texts(file *ast.File, visit func(literal *ast.BasicLit, said bool)) {
	skipped, said := map[ast.Node]bool{}, map[ast.Node]bool{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field: // its tag
			if n.Tag != nil {
				skipped[n.Tag] = true
			}
		case *ast.ImportSpec:
			return false
		case *ast.CallExpr:
			for _, argument := range n.Args {
				mark(argument, codes[called(n)], skipped)
				mark(argument, sayers[called(n)], said)
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING && !skipped[n] {
				visit(n, said[n])
			}
		}
		return true
	})
}

// mark notes the literals of an expression, if it is to.
func mark(expression ast.Expr, is bool, noted map[ast.Node]bool) {
	if !is {
		return
	}
	ast.Inspect(expression, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok {
			noted[literal] = true
		}
		return true
	})
}

// called is the name of the function that is called, without its package or value.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// String is the message's line in the list of all.
func (m Message) String() string { return fmt.Sprintf("%s\t%q", m.Package, m.Text) }
