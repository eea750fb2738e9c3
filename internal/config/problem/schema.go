package problem

import (
	"reflect"
	"slices"
	"strings"
)

// Keys are the keys of the mapping that yaml.v3 reads into a value of the type, those by which people know it first.
func Keys(into reflect.Type) (keys []string) {
	for _, field := range fields(into) {
		keys = append(keys, field.name)
	}
	slices.SortStableFunc(keys, func(a, b string) int { return weight(a) - weight(b) })
	return keys
}

func weight(key string) int {
	if slices.Contains([]string{"name", "path", "device", "variant", "version"}, key) {
		return 0
	}
	return 1
}

type field struct {
	name string
	kind reflect.Type
}

// fields are a struct's that have a name in YAML, with those of structs that it holds inline. Of two of a name the first counts.
func fields(into reflect.Type) (all []field) {
	into = plain(into)
	if into == nil || into.Kind() != reflect.Struct {
		return nil
	}
	for i := range into.NumField() {
		f := into.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			all = appendNew(all, fields(f.Type)...)
		case name != "" && name != "-":
			all = appendNew(all, field{name, f.Type})
		}
	}
	return all
}

func appendNew(all []field, more ...field) []field {
	for _, f := range more {
		if !slices.ContainsFunc(all, func(has field) bool { return has.name == f.name }) {
			all = append(all, f)
		}
	}
	return all
}

// plain is the type that a pointer points to.
func plain(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// below is the type of a key's value, or nil if there is no such key.
func below(into reflect.Type, key string) reflect.Type {
	into = plain(into)
	if into != nil && into.Kind() == reflect.Map {
		return into.Elem()
	}
	for _, f := range fields(into) {
		if f.name == key {
			return f.kind
		}
	}
	return nil
}

// typeAt is the type at a path of keys and indices, or nil.
func typeAt(into reflect.Type, path []any) reflect.Type {
	for _, step := range path {
		if into = plain(into); into == nil {
			return nil
		}
		if _, is := step.(int); !is {
			into = below(into, step.(string))
		} else if into.Kind() == reflect.Slice {
			into = into.Elem()
		} else {
			return nil
		}
	}
	return plain(into)
}

func intersection(a, b []string) []string {
	return slices.DeleteFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}
