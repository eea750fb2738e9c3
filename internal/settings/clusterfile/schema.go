package clusterfile

import (
	"bytes"
	"encoding/json"
	"slices"
)

// SchemaName is the name of the schema's file, beside the cluster files.
const SchemaName = "schema.json"

// FirstLine is the first line of a cluster file, by which editors find the schema (yaml-language-server's modeline).
const FirstLine = "# yaml-language-server: $schema=" + SchemaName

// object is a mapping of JSON.
type object = map[string]any

// Schema is what may stand in a cluster file as JSON Schema (draft-07, which editors' YAML language servers know best). What only
// Parse can see it lets through: whether a file is there, or which names nodes have.
func Schema(t Table) ([]byte, error) {
	group, single := members(t), members(t)
	group["nodes"] = object{"description": "how many nodes the group has", "type": "integer", "minimum": 0, "maximum": MostNodes}
	properties := object{
		"groups": object{
			"description": "groups of nodes that differ from others, by name; their nodes are <prefix>-<name>01 and so on",
			"type":        "object", "propertyNames": object{"pattern": groupPattern},
			"additionalProperties": object{"type": "object", "properties": group, "additionalProperties": false, "required": []string{"nodes"}},
		},
		"var": variables(),
	}
	for _, k := range t.Keys {
		properties[k.Name] = k.schema()
	}
	properties["nodes"] = nodesSchema(properties["nodes"], single)
	withGroups := object{"properties": object{"nodes": object{"type": "object", "properties": object{"count": false}}}}
	out := &bytes.Buffer{}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(object{
		"$schema": "http://json-schema.org/draft-07/schema#", "title": "a cluster of CoreOS nodes, clusters/<prefix>.yml",
		"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false,
		"dependencies": object{"groups": withGroups},
	})
	return out.Bytes(), err
}

// members are the properties of a group, and of a single node.
func members(t Table) object {
	properties := object{"var": variables()}
	for _, k := range t.Keys {
		if k.OfNode {
			properties[k.Name] = k.schema()
		}
	}
	return properties
}

// nodesSchema is how many nodes there are, or what is said of single ones.
func nodesSchema(count any, single object) object {
	return object{"description": "how many nodes, or single nodes by their names, and with count: how many", "anyOf": []any{
		count, object{
			"type": "object", "properties": object{"count": count},
			"additionalProperties": object{"type": []string{"object", "null"}, "properties": single, "additionalProperties": false},
		},
	}}
}

// variables are the user's own words.
func variables() object {
	return object{
		"description": "words of your own in the config, and their values", "type": "object",
		"additionalProperties": object{"type": []string{"string", "number", "boolean"}},
	}
}

// schema is the setting's, with what it means.
func (k Key) schema() object {
	s := k.Shape.schema()
	s["description"] = k.Meaning
	if k.Default != "" {
		s["default"] = k.Default
	}
	return s
}

// schema is how a value looks.
func (s Shape) schema() object {
	switch s.Type {
	case Number:
		return s.number()
	case YesNo:
		return object{"enum": []any{true, false, "on", "off", "yes", "no"}}
	case Duration:
		return object{"anyOf": []any{object{"type": "integer", "minimum": 1}, object{"type": "string", "pattern": durationPattern}}}
	case List:
		return object{"anyOf": []any{object{"type": []string{"string", "integer"}}, object{"type": "array", "items": s.Entry.schema()}}}
	}
	return s.text()
}

const (
	groupPattern    = "^([A-Za-z0-9][A-Za-z0-9-]*)?[A-Za-z]$"
	durationPattern = "^([0-9]+|([0-9]+([.][0-9]+)?(ns|us|µs|ms|s|m|h))+)$"
)

func (s Shape) number() object {
	number := object{"type": "integer"}
	if s.Low != 0 || s.High != 0 {
		number["minimum"], number["maximum"] = s.Low, s.High
	}
	if len(s.Words) == 0 {
		return number
	}
	return object{"anyOf": []any{number, object{"enum": s.Words}}}
}

func (s Shape) text() object {
	text := object{"type": "string"}
	if len(s.Words) > 0 {
		text["enum"] = s.Words
	}
	if s.Pattern != "" {
		text["pattern"] = s.Pattern
	}
	if s.Filled {
		text["pattern"] = "[^ \t\n]"
	}
	return text
}

func (e Entry) schema() object {
	properties := object{}
	for name, shape := range e.Keys {
		properties[name] = shape.schema()
	}
	mapping := object{"type": "object", "properties": properties, "additionalProperties": false}
	if len(e.Need) > 0 {
		mapping["required"] = slices.Clone(e.Need)
	} else { // one of them
		mapping["minProperties"], mapping["maxProperties"] = 1, 1
	}
	return object{"anyOf": []any{e.Item.schema(), mapping}}
}
