package settings

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"coreos-libvirt/internal/settings/clusterfile"
)

var update = flag.Bool("update", false, "write clusters/"+clusterfile.SchemaName)

// schemaOf is the schema of cluster files as the table makes it.
func schemaOf(t *testing.T) []byte {
	t.Helper()
	made, err := clusterfile.Schema(FileTable(environment(nil)))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// TestSchemaIsInStep: the schema in the repository is the one that the table of settings makes.
func TestSchemaIsInStep(t *testing.T) {
	path := filepath.Join("../..", clusterfile.Folder, clusterfile.SchemaName)
	if *update {
		if err := os.WriteFile(path, schemaOf(t), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(kept, schemaOf(t)) {
		t.Errorf("%s is not what the settings are: go test ./internal/settings -update writes it (%v)", path, err)
	}
}

// TestSchemaAndParserAgree: what one takes the other takes, too.
func TestSchemaAndParserAgree(t *testing.T) {
	taken := []string{
		"", "# nothing\n", clusterfile.FirstLine + "\nnodes: 3\n", wholeFile, "disk: 20", "disk: auto", "ready: on", "ready: false", "timeout: 10m", "timeout: 1h30m", "grace: 5",
		"config: my.yml\nimage: flatcar-stable\nfirmware: uefi\narch: aarch64", "bridge: br1", "direct: eth0", "network: ''", "protect: no", "var: {My_Port: 8080, My_Flag: true}",
		"groups: {control: {nodes: 3}, worker: {nodes: 0, ram: 4096, config: w.yml, vcpu: 8, disk: 20, image: fcos-next, var: {My_Word: x}}}",
		"nodes: {x01: {ram: 4096}, x02: }", "nodes: {count: 5, x05: {disk: auto}}", "user: admin", "discovery_user: 'root:x'", "sha256: " + strings.Repeat("a", 64), "uri: qemu:///session",
	}
	refused := []string{
		"nods: 3", "recreate: all", "prefix: x", "yes: true", "ram: 2g", "ram: '2048'", "ram: 12", "ram: 2048.5", "ram: [1]", "ram:", "nodes: 0", "nodes: 1001", "disk: Auto", "disk: 0",
		"config: 5", "config: ''", "config: [a]", "ready: perhaps", "ready: 1", "ready: 'true'", "format: xml", "arch: arm", "bridge: ''", "bridge: a b", "direct: this-name-is-too-long",
		"timeout: soon", "timeout: true", "user: -x", "sha256: abc", "uri: localhost", "var: x", "var: {My_Word: [x]}", "var: {My_Word: }", "groups: [w]", "groups: {w: }", "groups: {w: {ram: 512}}",
		"groups: {w1: {nodes: 1}}", "groups: {w: {nodes: 1, rma: 1}}", "groups: {w: {nodes: 1, uri: 'a:b'}}", "groups: {w: {nodes: many}}", "groups: {w: {nodes: 1}}\nnodes: 3",
		"groups: {w: {nodes: 1}}\nnodes: {count: 3}", "nodes: {x01: {nodes: 2}}", "nodes: {x01: 4096}", "- nodes: 3", "text",
	}
	for _, text := range taken {
		if schema, parser := bothSay(t, text); schema != nil || parser != nil {
			t.Errorf("%q: schema: %v\nparser: %v", text, schema, parser)
		}
	}
	for _, text := range refused {
		if schema, parser := bothSay(t, text); schema == nil || parser == nil {
			t.Errorf("%q: schema: %v\nparser: %v", text, schema, parser)
		}
	}
}

// Lists are not made yet: the parser alone is asked.
func TestSchemaOfLists(t *testing.T) {
	for text, is := range map[string]bool{
		"disks: 20": true, "disks: 20,50": true, "disks: [20, {size: 50, name: data}]": true, "networks: [br1, {network: default}]": true,
		"disks: [{name: data}]": false, "disks: [{size: 5, nme: a}]": false, "disks: {size: 5}": false, "networks: [{bridge: a, direct: b}]": false, "disks: [0]": false,
	} {
		schema, _ := bothSay(t, text)
		_, parser := clusterfile.Parse("clusters/x.yml", []byte(text), FileTable(environment(nil)))
		if (schema == nil) != is || (parser == nil) != is {
			t.Errorf("%s: schema: %v\nparser: %v", text, schema, parser)
		}
	}
}

// bothSay is what the schema and the parser say of a cluster file.
func bothSay(t *testing.T, text string) (schema, parser error) {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaOf(t)))
	if err == nil {
		err = compiler.AddResource("schema.json", document)
	}
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	asJSON, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatal(err)
	}
	_, parser = Load([]string{"prefix=x"}, one(text))
	return compiled.Validate(instance), parser
}
