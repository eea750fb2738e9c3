package document

import (
	"encoding/json"
	"strings"
)

// Applicable is the document with what can be applied into a folder, without network, users and disks: files, folders, links and
// units. What is fetched is empty there.
func Applicable(doc []byte) ([]byte, error) {
	var all map[string]any
	if err := json.Unmarshal(doc, &all); err != nil {
		return nil, err
	}
	ignition, storage, systemd := below(all, "ignition"), below(all, "storage"), below(all, "systemd")
	files := map[any]bool{}
	for _, file := range list(storage, "files") {
		files[file["path"]] = true
		local(file)
	}
	for _, kind := range []string{"files", "directories", "links"} {
		for _, node := range list(storage, kind) {
			delete(node, "user") // whom only the image has
			delete(node, "group")
		}
	}
	for _, unit := range list(systemd, "units") {
		delete(unit, "enabled") // of it nothing is in a folder but a preset
	}
	return json.Marshal(map[string]any{
		"ignition": map[string]any{"version": ignition["version"]},
		"storage":  map[string]any{"files": storage["files"], "directories": storage["directories"], "links": possible(list(storage, "links"), files)},
		"systemd":  map[string]any{"units": systemd["units"]},
	})
}

// local takes out of a file what is fetched.
func local(file map[string]any) {
	if !here(file["contents"]) {
		delete(file, "contents")
		delete(file, "overwrite") // which wants contents
	}
	kept := []any{}
	more, _ := file["append"].([]any)
	for _, one := range more {
		if here(one) {
			kept = append(kept, one)
		}
	}
	if delete(file, "append"); len(kept) > 0 {
		file["append"] = kept
	}
}

// here reports whether a resource's bytes are in the document.
func here(resource any) bool {
	m, _ := resource.(map[string]any)
	source, is := m["source"].(string)
	return !is || strings.HasPrefix(source, "data:")
}

// possible are the links but hard ones to files that only the image has.
func possible(links []map[string]any, files map[any]bool) []any {
	kept := []any{}
	for _, link := range links {
		if link["hard"] != true || files[link["target"]] {
			kept = append(kept, link)
		}
	}
	return kept
}

func below(m map[string]any, key string) map[string]any {
	v, _ := m[key].(map[string]any)
	return v
}

func list(m map[string]any, key string) (all []map[string]any) {
	items, _ := m[key].([]any)
	for _, item := range items {
		if one, is := item.(map[string]any); is {
			all = append(all, one)
		}
	}
	return all
}
