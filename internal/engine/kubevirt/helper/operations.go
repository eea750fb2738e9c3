package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// mostLine is what is kept of a line of a log, in bytes.
const mostLine = 1 << 20

// object is one of Kubernetes', as its JSON has it.
type object = map[string]any

// applied is what apply says.
type applied struct {
	Before object `json:"before,omitempty"` // none if there was no such object
	After  object `json:"after"`
}

// apply makes the object as it is given, by server-side apply. One that is there and has not the label Own is left alone.
func (a *api) apply(ctx context.Context, text json.RawMessage, q Query) (done applied, err error) {
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		return done, err
	}
	meta, _ := o["metadata"].(map[string]any)
	kind, _ := o["kind"].(string)
	name, _ := meta["name"].(string)
	if done.Before, err = a.get(ctx, kind, name); err != nil {
		return done, err
	}
	if done.Before != nil {
		if !has(done.Before, q.Own) {
			return done, &failure{Reason: "NotOurs", Message: fmt.Sprintf("%s %s is there, and is somebody else's", kind, name)}
		}
		meta["uid"] = metaOf(done.Before)["uid"] // so that none that takes its name meanwhile is changed
		if text, err = json.Marshal(o); err != nil {
			return done, err
		}
	}
	query := url.Values{"fieldManager": {manager}, "fieldValidation": {"Strict"}}
	if q.Dry {
		query.Set("dryRun", "All")
	}
	u, err := a.at(kind, name, query)
	if err != nil {
		return done, err
	}
	done.After, err = a.object(ctx, http.MethodPatch, u, "application/apply-patch+yaml", text)
	return done, err
}

func metaOf(o object) map[string]any {
	meta, _ := o["metadata"].(map[string]any)
	return meta
}

// has tells whether the object has the label, given as key=value.
func has(o object, label string) bool {
	key, value, _ := strings.Cut(label, "=")
	labels, _ := metaOf(o)["labels"].(map[string]any)
	return key != "" && labels[key] == value
}

// get is the object, or none if there is none.
func (a *api) get(ctx context.Context, kind, name string) (object, error) {
	if name == "" {
		return nil, fmt.Errorf("an object of the kind %s has no name", kind)
	}
	u, err := a.at(kind, name, nil)
	if err != nil {
		return nil, err
	}
	o, err := a.object(ctx, http.MethodGet, u, "", nil)
	if f := failed(err); f != nil && f.Reason == "NotFound" {
		return nil, nil
	}
	return o, err
}

// failed is the error as a failure; nil if it is none.
func failed(err error) *failure {
	if err == nil {
		return nil
	}
	return failureOf(err)
}

// object makes a request that is answered by an object.
func (a *api) object(ctx context.Context, method string, u *url.URL, kind string, body []byte) (o object, err error) {
	response, err := a.ask(ctx, method, u, kind, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	return o, json.NewDecoder(io.LimitReader(response.Body, mostAnswer)).Decode(&o)
}

// list are the kind's objects with the labels.
func (a *api) list(ctx context.Context, q Query) ([]any, error) {
	u, err := a.at(q.Kind, "", url.Values{"labelSelector": {q.Selector}})
	if err != nil {
		return nil, err
	}
	all, err := a.object(ctx, http.MethodGet, u, "", nil)
	if err != nil {
		return nil, err
	}
	items, _ := all["items"].([]any)
	return items, nil
}

// remove removes the object with the UID, and what belongs to it. If there is none, that is not an error.
func (a *api) remove(ctx context.Context, q Query) error {
	u, err := a.at(q.Kind, q.Name, nil)
	if err != nil {
		return err
	}
	if q.Name == "" || q.UID == "" {
		return fmt.Errorf("an object is removed by its name and UID")
	}
	body, err := json.Marshal(object{
		"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "preconditions": object{"uid": q.UID},
	})
	if err != nil {
		return err
	}
	response, err := a.ask(ctx, http.MethodDelete, u, "application/json", body)
	if f := failed(err); f != nil && f.Reason == "NotFound" {
		return nil
	}
	if err == nil {
		_ = response.Body.Close()
	}
	return err
}

// power starts, stops or restarts a machine.
func (a *api) power(ctx context.Context, q Query) error {
	if q.Name == "" || q.Verb != "start" && q.Verb != "stop" && q.Verb != "restart" {
		return fmt.Errorf("there is no way to %q the machine %q", q.Verb, q.Name)
	}
	u := a.server.JoinPath(subresources, "namespaces", a.namespace, "virtualmachines", q.Name, q.Verb)
	response, err := a.ask(ctx, http.MethodPut, u, "application/json", []byte("{}"))
	if err == nil {
		_ = response.Body.Close()
	}
	return err
}

// log gives each line of a container's log to each.
func (a *api) log(ctx context.Context, q Query, each func(string)) error {
	u, err := a.at("Pod", q.Name, nil)
	if err != nil {
		return err
	}
	u = u.JoinPath("log")
	query := url.Values{"container": {q.Container}}
	if q.Follow {
		query.Set("follow", "true")
	}
	u.RawQuery = query.Encode()
	response, err := a.ask(ctx, http.MethodGet, u, "", nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	lines := bufio.NewReaderSize(response.Body, mostLine)
	for {
		line, cut, err := lines.ReadLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		each(strings.TrimRight(string(line), "\r"))
		for cut && err == nil { // what is longer is of no use
			_, cut, err = lines.ReadLine()
		}
	}
}
