// SPDX-License-Identifier: Apache-2.0

// A kubelet as far as a device plugin can tell: it accepts registrations on
// kubelet.sock, asks each plugin for its devices and for one container with one of
// them, and writes down what it is told. It starts the plugin itself, once its
// socket can be reached, and ends it when it has seen what it waits for.
//
//	stub-kubelet -dir DIR -resources N -out FILE [-timeout TIME] -- PLUGIN [ARG...]
//
// FILE is a JSON array with an object for each resource. Exit status: 0 as many
// resources as wanted and no more; 1 anything else, and FILE has what came.
//
// It knows nothing of NVIDIA, MIG or the simulator. It is built as a part of the
// device plugin's module graph, so that both speak with the same gRPC library.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	pluginapi "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

// How long it listens for a resource too many after the last one it waits for.
const settle = 500 * time.Millisecond

type device struct {
	ID     string  `json:"id"`
	Health string  `json:"health"`
	Numa   []int64 `json:"numa_nodes"`
}

// What a plugin gave for one container with one device.
type allocation struct {
	DeviceID string            `json:"device_id"`
	Envs     map[string]string `json:"envs"`
	Devices  []string          `json:"device_nodes"`
	Mounts   []string          `json:"mounts"`
}

type resource struct {
	Name       string      `json:"name"`
	Version    string      `json:"version"`
	Endpoint   string      `json:"endpoint"`
	Devices    []device    `json:"devices"`
	Allocation *allocation `json:"allocation"`
	Problem    string      `json:"problem,omitempty"`
}

type kubelet struct {
	dir  string
	seen chan struct{} // one entry for each resource that is known, for better or worse
	mu   sync.Mutex
	all  []resource
	pluginapi.UnimplementedRegistrationServer
}

// Register is called by a plugin, which serves its own socket by then.
func (k *kubelet) Register(_ context.Context, r *pluginapi.RegisterRequest) (*pluginapi.Empty, error) {
	go func() {
		known := resource{Name: r.ResourceName, Version: r.Version, Endpoint: r.Endpoint, Devices: []device{}}
		if err := k.ask(&known); err != nil {
			known.Problem = err.Error()
		}
		k.mu.Lock()
		k.all = append(k.all, known)
		k.mu.Unlock()
		k.seen <- struct{}{}
	}()
	return &pluginapi.Empty{}, nil
}

// ask fills in the first list of devices and what Allocate gives for the first of them.
func (k *kubelet) ask(r *resource) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := grpc.NewClient("unix://"+filepath.Join(k.dir, r.Endpoint),
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority("localhost"))
	if err != nil {
		return err
	}
	defer conn.Close()
	client := pluginapi.NewDevicePluginClient(conn)
	stream, err := client.ListAndWatch(ctx, &pluginapi.Empty{})
	if err != nil {
		return fmt.Errorf("ListAndWatch: %w", err)
	}
	list, err := stream.Recv()
	if err != nil {
		return fmt.Errorf("ListAndWatch: %w", err)
	}
	for _, d := range list.Devices {
		numa := []int64{}
		if d.Topology != nil {
			for _, n := range d.Topology.Nodes {
				numa = append(numa, n.ID)
			}
		}
		r.Devices = append(r.Devices, device{d.ID, d.Health, numa})
	}
	sort.Slice(r.Devices, func(a, b int) bool { return r.Devices[a].ID < r.Devices[b].ID })
	if len(r.Devices) == 0 {
		return nil
	}
	r.Allocation, err = allocate(ctx, client, r.Devices[0].ID)
	return err
}

func allocate(ctx context.Context, client pluginapi.DevicePluginClient, id string) (*allocation, error) {
	got, err := client.Allocate(ctx, &pluginapi.AllocateRequest{
		ContainerRequests: []*pluginapi.ContainerAllocateRequest{{DevicesIds: []string{id}}}})
	if err != nil {
		return nil, fmt.Errorf("Allocate: %w", err)
	}
	if len(got.ContainerResponses) != 1 {
		return nil, fmt.Errorf("Allocate: %d responses for one container", len(got.ContainerResponses))
	}
	container := got.ContainerResponses[0]
	given := allocation{DeviceID: id, Envs: container.Envs, Devices: []string{}, Mounts: []string{}}
	for _, d := range container.Devices {
		given.Devices = append(given.Devices, d.HostPath)
	}
	for _, m := range container.Mounts {
		given.Mounts = append(given.Mounts, m.ContainerPath)
	}
	sort.Strings(given.Devices)
	return &given, nil
}

// watch returns when there are as many resources as wanted and no more come, else with what is wrong.
func (k *kubelet) watch(want int, ended <-chan error, timeout time.Duration) error {
	deadline := time.After(timeout)
	have := 0
	for have < want {
		select {
		case <-k.seen:
			have++
		case err := <-ended:
			return fmt.Errorf("the plugin ended with %d of %d resources: %v", have, want, err)
		case <-deadline:
			return fmt.Errorf("%d of %d resources after %v", have, want, timeout)
		}
	}
	select {
	case <-k.seen:
		return fmt.Errorf("more than %d resources", want)
	case <-time.After(settle):
		return nil
	}
}

func (k *kubelet) write(path string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	sort.Slice(k.all, func(a, b int) bool { return k.all[a].Name < k.all[b].Name })
	text, err := json.MarshalIndent(k.all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func run() error {
	dir := flag.String("dir", "", "directory of the sockets")
	out := flag.String("out", "", "file to write")
	want := flag.Int("resources", 0, "how many resources to wait for")
	timeout := flag.Duration("timeout", 60*time.Second, "how long to wait for them")
	flag.Parse()
	if *dir == "" || *out == "" || flag.NArg() == 0 {
		return errors.New("usage: stub-kubelet -dir DIR -resources N -out FILE [-timeout TIME] -- PLUGIN [ARG...]")
	}
	k := &kubelet{dir: *dir, seen: make(chan struct{}, 1024), all: []resource{}}
	listener, err := net.Listen("unix", filepath.Join(*dir, "kubelet.sock"))
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	pluginapi.RegisterRegistrationServer(server, k)
	go server.Serve(listener)
	defer server.Stop()

	plugin := exec.Command(flag.Arg(0), flag.Args()[1:]...)
	plugin.Stdout, plugin.Stderr = os.Stderr, os.Stderr
	if err := plugin.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- plugin.Wait() }()

	problem := k.watch(*want, ended, *timeout)
	plugin.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		plugin.Process.Kill()
	}
	return errors.Join(problem, k.write(*out))
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "stub-kubelet:", err)
		os.Exit(1)
	}
}
