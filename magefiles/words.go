//go:build mage

package main

import (
	"fmt"
	"io"
	"os"

	"coreos-libvirt/internal/command"
	"coreos-libvirt/internal/command/completion"
	"coreos-libvirt/internal/launch"
	"coreos-libvirt/internal/settings"
	"coreos-libvirt/internal/settings/secret"
	"coreos-libvirt/internal/settings/targets"
	"coreos-libvirt/internal/terminal/column"
	"coreos-libvirt/internal/workspace/session"
)

// words are the key=value words of the command line, behind is what runs inside the lab.
var words, behind []string

// about is what the targets are about.
var about command.About

// output is where targets print.
var output io.Writer

// init checks the command line as a whole before Mage's main sees it, which runs a target before it has looked at the next
// word, and knows no settings.
func init() {
	if status, is := command.Helper(); is {
		os.Exit(status)
	}
	if completion.Asked() {
		completion.Answer()
		os.Exit(0)
	}
	secret.Conceal(os.Args)
	line, err := targets.Parse(os.Args[1:])
	if err == nil && line.Help {
		help(line)
		os.Exit(0)
	}
	if err == nil {
		err = command.CheckWords(line.Words, aboutOf(line))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "Error: %v\n", command.Shown(err, line.Words)) // as Mage says it of targets
		os.Exit(1)
	}
	relaunch(line.NeedsLibvirt(), line.ShowsByLibvirt())
	output = session.Stdout(line.Prints())
	about = aboutOf(line)
	os.Args, words, behind = append(os.Args[:1:1], line.Mage()...), line.Words, line.Inside
}

// aboutOf is what the targets of the line are about.
func aboutOf(line targets.Line) command.About {
	return command.About{Cluster: line.AboutCluster(), Libvirt: line.NeedsLibvirt(), One: line.AboutOne(), Lab: line.StartsLab(), Engines: line.Engines(), Data: line.Data()}
}

// help prints the help that is wanted.
func help(line targets.Line) {
	usage := targets.Usage{Program: launch.Called(), Width: column.Default, Keys: settings.Keys(settings.System())}
	if width, is := column.Width(os.Stdout); is {
		usage.Width = width
	}
	usage.Print(session.Stdout(true), line)
}
