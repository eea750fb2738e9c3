package command

import (
	"context"

	"coreos-libvirt/internal/engine"
	"coreos-libvirt/internal/engine/fleet"
	"coreos-libvirt/internal/engine/kubevirt/machines"
	"coreos-libvirt/internal/guest"
	"coreos-libvirt/internal/workspace/wait"
)

// openMachines is the engine of the run's nodes on Kubernetes.
func openMachines(r *Run) (engine.Engine, error) {
	return r.openNodes(func(ctx context.Context) (fleet.On, error) {
		client, err := kubeClient(ctx, r)
		if err != nil {
			return nil, err
		}
		return machines.New(client, workspaceID(r), guest.ReadyChannel, guest.OnSerial), nil
	})
}

// KubernetesStop shuts nodes on Kubernetes down, and after grace= by force.
func KubernetesStop(ctx context.Context, r *Run) error {
	return eachNode(ctx, r, "stop", func(d engine.Domain) error { return stopMachine(ctx, r, d) })
}

// KubernetesStart boots nodes on Kubernetes that do not run.
func KubernetesStart(ctx context.Context, r *Run) error {
	return eachNode(ctx, r, "start", func(d engine.Domain) error { return startMachine(ctx, r, d) })
}

// KubernetesRestart stops nodes on Kubernetes, and boots them again.
func KubernetesRestart(ctx context.Context, r *Run) error {
	return eachNode(ctx, r, "restart", func(d engine.Domain) error {
		if err := stopMachine(ctx, r, d); err != nil {
			return err
		}
		d.State = engine.ShutOff
		return startMachine(ctx, r, d)
	})
}

// stopMachine has the node shut down, and waits until it is off.
func stopMachine(ctx context.Context, r *Run, d engine.Domain) error {
	if d.State == engine.ShutOff {
		r.log.Say("%s: it does not run", d.Name)
		return nil
	}
	on, err := able[*machines.Engine](r.conn, "power switch")
	if err == nil {
		err = on.ShutdownWithin(d.Name, r.Grace)
	}
	if err != nil {
		return err
	}
	r.log.Say("%s: shuts down", d.Name)
	for {
		state, err := r.conn.State(d.Name)
		if err != nil {
			return err
		}
		if state == engine.ShutOff {
			r.log.Say("%s: is off", d.Name)
			return nil
		}
		if !wait.Sleep(ctx, between) {
			return ctx.Err()
		}
	}
}

// startMachine has the node boot, and waits until it can be reached.
func startMachine(ctx context.Context, r *Run, d engine.Domain) error {
	if d.State != engine.ShutOff {
		r.log.Say("%s: it is %s already", d.Name, d.Described())
	} else if err := r.conn.Start(d.Name); err != nil {
		return err
	}
	if !r.Ready {
		return nil
	}
	c, err := kubernetes(ctx, r)
	if err != nil {
		return err
	}
	defer c.Close()
	c.Prefix = d.Metadata.Cluster
	_, err = awaitOne(ctx, r, c, r.ws().NodeOf(d.Metadata))
	return err
}
