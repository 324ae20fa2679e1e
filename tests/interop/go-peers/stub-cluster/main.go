// SPDX-License-Identifier: Apache-2.0

// As much of a Kubernetes cluster as the start of a DRA driver's kubelet plugin
// takes: an API server that knows one Node and takes ResourceSlices, and a kubelet
// that asks at the registration socket who is there. It starts the plugin itself,
// with a kubeconfig, and ends it when it has seen what it waits for.
//
//	stub-cluster -node NAME -registrar DIR -devices N -out FILE [-timeout TIME] -- PLUGIN [ARG...]
//
// -devices is a number over all slices. FILE is a JSON object: "slices" as they were
// created, "registration" as the plugin gave it. The plugin finds the kubeconfig by
// KUBECONFIG. Exit status: 0 it all came; 1 anything else, and FILE has what came.
//
// It knows nothing of NVIDIA, MIG or the simulator. It is built as a part of the DRA
// driver's module graph, so that both speak the same version of the API.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/client-go/kubernetes/scheme"
	registerapi "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

const slicesPath = "/apis/resource.k8s.io/v1/resourceslices"

type object = map[string]any

// How the plugin introduces itself to a kubelet.
type registration struct {
	Type     string   `json:"type"`
	Name     string   `json:"name"`
	Versions []string `json:"versions"`
}

type cluster struct {
	node    string
	changed chan struct{} // at least one entry since the last look
	mu      sync.Mutex
	slices  []*resourceapi.ResourceSlice
	serial  int
	watches map[chan []byte]struct{}
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}

func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == "/version":
		answer(w, 200, object{"major": "1", "minor": "36", "gitVersion": "v1.36.1"})
	case path == "/api/v1/nodes/"+c.node && r.Method == "GET":
		answer(w, 200, object{"kind": "Node", "apiVersion": "v1", "metadata": object{
			"name": c.node, "uid": "00000000-0000-4000-8000-000000000001", "resourceVersion": "1"}})
	case path == slicesPath && r.Method == "GET" && r.URL.Query().Get("watch") != "":
		c.watch(w, r)
	case path == slicesPath && r.Method == "GET":
		c.list(w)
	case path == slicesPath && r.Method == "POST":
		c.create(w, r)
	case strings.HasPrefix(path, slicesPath+"/") && r.Method == "DELETE":
		c.remove(strings.TrimPrefix(path, slicesPath+"/"))
		answer(w, 200, object{"kind": "Status", "apiVersion": "v1", "status": "Success"})
	default:
		fmt.Fprintln(os.Stderr, "stub-cluster: no answer for", r.Method, r.URL)
		answer(w, 404, object{"kind": "Status", "apiVersion": "v1", "status": "Failure",
			"reason": "NotFound", "code": 404, "message": "not in this cluster"})
	}
}

func (c *cluster) list(w http.ResponseWriter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answer(w, 200, object{"kind": "ResourceSliceList", "apiVersion": "resource.k8s.io/v1",
		"metadata": object{"resourceVersion": strconv.Itoa(c.serial)}, "items": c.slices})
}

// watch sends what there is, the mark that this was all, and then each change.
func (c *cluster) watch(w http.ResponseWriter, r *http.Request) {
	events := make(chan []byte, 1024)
	c.mu.Lock()
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		for _, slice := range c.slices {
			events <- event("ADDED", slice)
		}
		events <- event("BOOKMARK", object{"kind": "ResourceSlice", "apiVersion": "resource.k8s.io/v1",
			"metadata": object{"resourceVersion": strconv.Itoa(c.serial),
				"annotations": object{"k8s.io/initial-events-end": "true"}}})
	}
	c.watches[events] = struct{}{}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.watches, events)
		c.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(200)
	for {
		w.(http.Flusher).Flush()
		select {
		case line := <-events:
			w.Write(line)
		case <-r.Context().Done():
			return
		}
	}
}

func event(kind string, what any) []byte {
	line, _ := json.Marshal(object{"type": kind, "object": what})
	return append(line, '\n')
}

func (c *cluster) create(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	slice := &resourceapi.ResourceSlice{}
	if err == nil {
		_, _, err = scheme.Codecs.UniversalDeserializer().Decode(body, nil, slice)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "stub-cluster: a slice that cannot be read:", err)
		answer(w, 400, object{"kind": "Status", "apiVersion": "v1", "status": "Failure",
			"reason": "BadRequest", "code": 400, "message": err.Error()})
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.serial++
	slice.APIVersion, slice.Kind = "resource.k8s.io/v1", "ResourceSlice"
	if slice.Name == "" {
		slice.Name = slice.GenerateName + strconv.Itoa(c.serial)
	}
	slice.UID = "00000000-0000-4000-8000-1"
	slice.ResourceVersion = strconv.Itoa(c.serial)
	c.slices = append(c.slices, slice)
	c.tell(event("ADDED", slice))
	answer(w, 201, slice)
}

func (c *cluster) remove(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, slice := range c.slices {
		if slice.Name == name {
			c.slices = append(c.slices[:i:i], c.slices[i+1:]...)
			c.tell(event("DELETED", slice))
			return
		}
	}
}

// tell hands an event to all that watch; c.mu is held.
func (c *cluster) tell(line []byte) {
	for events := range c.watches {
		events <- line
	}
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

func (c *cluster) devices() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	count := 0
	for _, slice := range c.slices {
		count += len(slice.Spec.Devices)
	}
	return count
}

// ask does what a kubelet does when a socket appears among the registrations.
func ask(dir string) (*registration, error) {
	sockets, err := filepath.Glob(filepath.Join(dir, "*.sock"))
	if err != nil || len(sockets) != 1 {
		return nil, fmt.Errorf("%d registration sockets in %s", len(sockets), dir)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := grpc.NewClient("unix://"+sockets[0],
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithAuthority("localhost"))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	client := registerapi.NewRegistrationClient(conn)
	info, err := client.GetInfo(ctx, &registerapi.InfoRequest{})
	if err != nil {
		return nil, err
	}
	_, err = client.NotifyRegistrationStatus(ctx, &registerapi.RegistrationStatus{PluginRegistered: true})
	return &registration{info.Type, info.Name, info.SupportedVersions}, err
}

func (c *cluster) wait(want int, ended <-chan error, timeout time.Duration) error {
	deadline := time.After(timeout)
	for c.devices() < want {
		select {
		case <-c.changed:
		case err := <-ended:
			return fmt.Errorf("the plugin ended with %d of %d devices: %v", c.devices(), want, err)
		case <-deadline:
			return fmt.Errorf("%d of %d devices after %v", c.devices(), want, timeout)
		}
	}
	return nil
}

// serve answers at a free port of this machine and returns the kubeconfig for it.
func (c *cluster) serve(dir string) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go http.Serve(listener, c)
	path := filepath.Join(dir, "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: stub
clusters: [{name: stub, cluster: {server: "http://%s"}}]
contexts: [{name: stub, context: {cluster: stub, user: stub}}]
users: [{name: stub, user: {}}]
`, listener.Addr())
	return path, os.WriteFile(path, []byte(text), 0o600)
}

func run() error {
	node := flag.String("node", "", "name of the Node")
	registrar := flag.String("registrar", "", "directory of the registration sockets")
	out := flag.String("out", "", "file to write; the kubeconfig lies beside it")
	want := flag.Int("devices", 0, "how many devices to wait for")
	timeout := flag.Duration("timeout", 60*time.Second, "how long to wait for them")
	flag.Parse()
	if *node == "" || *registrar == "" || *out == "" || flag.NArg() == 0 {
		return errors.New("usage: stub-cluster -node NAME -registrar DIR -devices N -out FILE [-timeout TIME] -- PLUGIN [ARG...]")
	}
	c := &cluster{node: *node, changed: make(chan struct{}, 1), watches: map[chan []byte]struct{}{},
		slices: []*resourceapi.ResourceSlice{}}
	config, err := c.serve(filepath.Dir(*out))
	if err != nil {
		return err
	}
	plugin := exec.Command(flag.Arg(0), flag.Args()[1:]...)
	plugin.Stdout, plugin.Stderr = os.Stderr, os.Stderr
	plugin.Env = append(os.Environ(), "KUBECONFIG="+config)
	if err := plugin.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- plugin.Wait() }()

	problem := c.wait(*want, ended, *timeout)
	var who *registration
	if problem == nil {
		who, problem = ask(*registrar)
	}
	// as they are now: the plugin may take its slices back when it ends
	c.mu.Lock()
	text, err := json.MarshalIndent(object{"slices": c.slices, "registration": who}, "", "  ")
	c.mu.Unlock()
	if err == nil {
		err = os.WriteFile(*out, append(text, '\n'), 0o644)
	}
	plugin.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		plugin.Process.Kill()
	}
	return errors.Join(problem, err)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "stub-cluster:", err)
		os.Exit(1)
	}
}
