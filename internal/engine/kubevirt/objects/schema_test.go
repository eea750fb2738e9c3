package objects

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

var update = flag.Bool("update", false, "read the schemas again, from the modules in Go's cache")

// schemaFile has the OpenAPI schemas of the kinds that nodes are made of, without descriptions, by kind: those of KubeVirt's custom
// resources, and of Kubernetes itself.
const schemaFile = "testdata/schemas.json.gz"

// The modules that they are of. `go mod download` gets them.
const (
	kubevirtCRDs = "kubevirt.io/kubevirt@v1.7.0/pkg/virt-operator/resource/generate/components/validations_generated.go"
	swagger      = "k8s.io/kubernetes@v1.36.1/api/openapi-spec/swagger.json"
)

// schemas are the compiled ones, by kind.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	if *update {
		writeSchemas(t)
	}
	packed, err := os.Open(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = packed.Close() }()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	if err := json.NewDecoder(unpacked).Decode(&all); err != nil {
		t.Fatal(err)
	}
	compiled := map[string]*jsonschema.Schema{}
	for kind, schema := range all {
		c := jsonschema.NewCompiler()
		if err := c.AddResource(kind+".json", schema); err != nil {
			t.Fatal(err)
		}
		if compiled[kind], err = c.Compile(kind + ".json"); err != nil {
			t.Fatal(err)
		}
	}
	return compiled
}

func writeSchemas(t *testing.T) {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	cache := strings.TrimSpace(string(out))
	core := coreSchemas(t, filepath.Join(cache, swagger))
	custom := customSchemas(t, filepath.Join(cache, kubevirtCRDs))
	for _, kind := range []string{"VirtualMachine", "DataVolume"} {
		custom[kind].(map[string]any)["properties"].(map[string]any)["metadata"] = core["ObjectMeta"]
		core[kind] = custom[kind]
	}
	delete(core, "ObjectMeta")
	for kind := range core {
		core[kind] = strict(core[kind])
	}
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	if err := json.NewEncoder(writer).Encode(core); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(schemaFile, packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// customSchemas are those of KubeVirt's custom resources. A DataVolume's is that of a template of one, which is the same.
func customSchemas(t *testing.T, path string) map[string]any {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]any{}
	wanted := map[string]string{"virtualmachine": "VirtualMachine", "datavolumetemplatespec": "DataVolume"}
	ast.Inspect(file, func(n ast.Node) bool {
		pair, is := n.(*ast.KeyValueExpr)
		if !is {
			return true
		}
		name, _ := strconv.Unquote(pair.Key.(*ast.BasicLit).Value)
		if wanted[name] == "" {
			return false
		}
		text, err := strconv.Unquote(pair.Value.(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		crd := map[string]any{}
		if err := yaml.Unmarshal([]byte(text), &crd); err != nil {
			t.Fatal(err)
		}
		found[wanted[name]] = crd["openAPIV3Schema"]
		return false
	})
	return found
}

// coreSchemas are those of Kubernetes' own kinds, whose references are followed.
func coreSchemas(t *testing.T, path string) map[string]any {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	doc := struct{ Definitions map[string]any }{}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	found := map[string]any{}
	for kind, name := range map[string]string{
		"Secret": "io.k8s.api.core.v1.Secret", "Service": "io.k8s.api.core.v1.Service", "ObjectMeta": "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
	} {
		found[kind] = resolved(doc.Definitions[name], doc.Definitions)
	}
	return found
}

// resolved is the schema with what it refers to in place of the references.
func resolved(schema any, definitions map[string]any) any {
	switch s := schema.(type) {
	case map[string]any:
		if name, is := s["$ref"].(string); is {
			return resolved(definitions[strings.TrimPrefix(name, "#/definitions/")], definitions)
		}
		all := map[string]any{}
		for key, value := range s {
			all[key] = resolved(value, definitions)
		}
		return all
	case []any:
		all := slices.Clone(s)
		for i := range all {
			all[i] = resolved(all[i], definitions)
		}
		return all
	}
	return schema
}

// strict is the schema as an apiserver reads it with fieldValidation=Strict: what it does not name is refused. What only people read is left
// out.
func strict(schema any) any {
	s, is := schema.(map[string]any)
	if !is {
		return schema
	}
	s = maps.Clone(s)
	for _, key := range []string{"description", "default", "example", "title", "format"} {
		delete(s, key)
	}
	if properties, has := s["properties"].(map[string]any); has {
		named := map[string]any{}
		for name, property := range properties {
			named[name] = strict(property)
		}
		s["properties"] = named
		if _, more := s["additionalProperties"]; !more && s["x-kubernetes-preserve-unknown-fields"] != true {
			s["additionalProperties"] = false
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if below, has := s[key]; has {
			s[key] = strict(below)
		}
	}
	if of, has := s["type"]; has && s["nullable"] == true {
		s["type"] = []any{of, "null"}
	}
	maps.DeleteFunc(s, func(key string, _ any) bool { return strings.HasPrefix(key, "x-kubernetes-") || key == "nullable" })
	return s
}

// validate is what the object's schema says against it.
func validate(t *testing.T, all map[string]*jsonschema.Schema, o Object) error {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	schema, known := all[o["kind"].(string)]
	if !known {
		t.Fatalf("there is no schema of %s", o["kind"])
	}
	return schema.Validate(value)
}

// read is what kubectl makes of the text: documents of YAML 1.1, read by another parser than the one that wrote them.
func read(t *testing.T, text []byte, decode func(io.Reader) func(any) error) (all []Object) {
	t.Helper()
	next := decode(bytes.NewReader(text))
	for {
		var o Object
		err := next(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
}
