package kubevirt

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coreos-libvirt/internal/engine/kubevirt/objects"
	"coreos-libvirt/internal/program/helper"
	"coreos-libvirt/internal/terminal/hint"
)

// fakeHelper answers each request by the shell's script, which has the request in $line. The real one is in the tests that have a real
// Kubernetes.
func fakeHelper(t *testing.T, script string) *Client {
	t.Helper()
	return clientOf(t, "sh", "-c", `while read -r line; do `+script+`; done`)
}

// clientOf is one whose helper is the program, with these arguments.
func clientOf(t *testing.T, path string, args ...string) *Client {
	t.Helper()
	kind := Program{}.kind(args...)
	kind.Path = path
	c := &Client{helper.New(kind)}
	t.Cleanup(c.Close)
	return c
}

const always = `printf '%s\n' `

func TestWhatIsApplied(t *testing.T) {
	c := fakeHelper(t, `case $line in
		*'"op":"apply","object":{"kind":"Secret"},"dry":true,"own":"a=b"'*) printf '%s\n' '{"id":1,"last":true,"result":{"before":null,"after":{"kind":"Secret"}}}' ;;
		*) printf '%s\n' '{"id":1,"last":true,"error":{"message":"not asked for that"}}' ;;
	esac`)
	done, err := c.Apply(t.Context(), objects.Object{"kind": "Secret"}, "a=b", true)
	if err != nil || done.Before != nil || done.After["kind"] != "Secret" {
		t.Errorf("got %+v, %v", done, err)
	}
}

func TestALogIsReadLineByLine(t *testing.T) {
	c := fakeHelper(t, `printf '%s\n' '{"id":1,"result":"one"}' '{"id":7,"result":"of nobody"}' '{"id":1,"result":"two"}' '{"id":1,"last":true}'`)
	said := []string{}
	if err := c.Log(t.Context(), "p", "c", false, func(line string) { said = append(said, line) }); err != nil || strings.Join(said, " ") != "one two" {
		t.Errorf("got %q, %v", said, err)
	}
}

// TestWhatTheServerRefuses is told with what helps. The messages are worded as kube-apiserver's are.
func TestWhatTheServerRefuses(t *testing.T) {
	for name, c := range map[string]struct{ answer, says, helps string }{
		"conflict": {
			`{"code":409,"reason":"Conflict","message":"Apply failed with 1 conflict: conflict with \"kubectl\" using kubevirt.io/v1: .spec.runStrategy","causes":["conflict with \"kubectl\" using kubevirt.io/v1: .spec.runStrategy"]}`,
			`conflict with "kubectl"`, "--force-conflicts",
		},
		"several conflicts": {
			`{"code":409,"reason":"Conflict","message":"Apply failed with 2 conflicts","causes":["conflict with \"argocd\" using v1: .data.userData"]}`,
			"\n  conflict with \"argocd\" using v1: .data.userData", "stands in quotes",
		},
		"rights": {
			`{"code":403,"reason":"Forbidden","message":"secrets \"core01-ignition\" is forbidden: User \"eve\" cannot get resource \"secrets\" in API group \"\" in the namespace \"web\""}`,
			`User "eve" cannot get resource "secrets"`, "`kubectl auth can-i --list`",
		},
		"quota": {
			`{"code":403,"reason":"Forbidden","message":"secrets \"core01-ignition\" is forbidden: exceeded quota: small, requested: count/secrets=1, used: count/secrets=2, limited: count/secrets=2"}`,
			"exceeded quota: small", "`kubectl describe quota`",
		},
		"no KubeVirt":     {`{"code":404,"message":"404 Not Found"}`, "404 Not Found", "is KubeVirt installed"},
		"somebody else's": {`{"reason":"NotOurs","message":"VirtualMachine core01 is there, and is somebody else's"}`, "somebody else's", "another prefix="},
		"no server":       {`{"reason":"Unreachable","message":"dial tcp 127.0.0.1:1: connect: connection refused"}`, "connection refused", "context= names another one"},
	} {
		helper := fakeHelper(t, always+`'{"id":1,"last":true,"error":`+strings.ReplaceAll(c.answer, "'", `'\''`)+`}'`)
		_, err := helper.List(t.Context(), "Secret", "")
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(hint.Of(err, ""), c.helps) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestAHelperThatEnds(t *testing.T) {
	for script, want := range map[string]string{"echo it broke >&2; exit 3": "the KubeVirt helper ended before it answered: exit status 3\nit broke", "echo no answer": "something else than JSON"} {
		c := fakeHelper(t, script)
		_, err := c.List(t.Context(), "Secret", "")
		if err == nil || !strings.Contains(err.Error(), want) || hint.Of(err, "") == "" {
			t.Errorf("%s: got %v", script, err)
		}
	}
}

// TestARequestEndsWithItsContext, and the helper is told.
func TestARequestEndsWithItsContext(t *testing.T) {
	told := filepath.Join(t.TempDir(), "told")
	c := fakeHelper(t, `case $line in *'"id":1,"op":"cancel"'*) echo >`+told+`; printf '%s\n' '{"id":1,"last":true,"error":{"message":"context canceled"}}' ;; esac`)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := c.List(ctx, "Secret", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(told); err != nil {
		t.Errorf("the helper was not told: %v", err)
	}
}
