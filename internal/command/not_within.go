//go:build !program

package command

// Helper is the etcd helper, if that is what this process was started as: here it is a program of its own.
func Helper() (status int, is bool) { return 0, false }
