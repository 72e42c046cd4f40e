// What kn asks of a cluster, through Knative's own typed clients: services, revisions, routes, domains, brokers, triggers and
// sources are created, waited for by watch, listed, changed, described, exported and deleted. Each check prints one line; the first
// failure ends the program.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	eventing "knative.dev/eventing/pkg/client/clientset/versioned"
	"knative.dev/pkg/apis"
	serving "knative.dev/serving/pkg/client/clientset/versioned"
)

const (
	patience = 15 * time.Second
	image    = "dev.local/probe"
	space    = "kn-client"
	other    = "kn-client-other"
)

type world struct {
	ctx      context.Context
	core     *kubernetes.Clientset
	dynamic  *dynamic.DynamicClient
	serving  *serving.Clientset
	eventing *eventing.Clientset
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	must(err)
	config.QPS, config.Burst = 200, 200
	config.WarningHandler = rest.NoWarnings{}
	w := &world{ctx: ctx}
	w.core, err = kubernetes.NewForConfig(config)
	must(err)
	w.dynamic, err = dynamic.NewForConfig(config)
	must(err)
	w.serving, err = serving.NewForConfig(config)
	must(err)
	w.eventing, err = eventing.NewForConfig(config)
	must(err)
	for _, name := range []string{space, other} {
		_, err = w.core.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		must(err)
	}
	for _, check := range []struct {
		name string
		run  func(*world)
	}{
		{"create", create}, {"list", list}, {"update", update}, {"traffic", traffic}, {"apply", apply}, {"describe", describe},
		{"export", export}, {"revisions", revisions}, {"domain", domain}, {"refused", refused}, {"broker", broker},
		{"sources", sources}, {"types", listTypes}, {"delete", remove},
	} {
		began := time.Now()
		check.run(w)
		fmt.Printf("ok %s %.2fs\n", check.name, time.Since(began).Seconds())
	}
	for _, name := range []string{space, other} {
		must(w.core.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{}))
	}
	fmt.Println("all ok")
}

// awaitReady reads the object, and then follows it from there, as kn does: an object whose controller has not seen its newest
// generation says nothing yet.
func awaitReady[T any](
	w *world,
	name string,
	get func(context.Context, string, metav1.GetOptions) (T, error),
	follow func(context.Context, metav1.ListOptions) (watch.Interface, error),
	judge func(T) (bool, string),
) T {
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	watcher, err := follow(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
	must(err)
	defer watcher.Stop()
	found, err := get(ctx, name, metav1.GetOptions{})
	if err == nil {
		if done, _ := judge(found); done {
			return found
		}
	} else if !apierrors.IsNotFound(err) {
		must(err)
	}
	said := "nothing"
	for {
		select {
		case event, open := <-watcher.ResultChan():
			check(open, "the watch of %s ended: %s", name, said)
			check(event.Type != watch.Error, "the watch of %s: %v", name, event.Object)
			object, fits := event.Object.(any).(T)
			check(fits, "%s is a %T", name, event.Object)
			done, why := judge(object)
			if done {
				return object
			}
			said = why
		case <-ctx.Done():
			check(false, "%s is not as wanted within %s: %s", name, patience, said)
		}
	}
}

// ready is kn's judgement by generation and the condition Ready.
func ready(generation, observed int64, condition *apis.Condition) (bool, string) {
	if generation != observed || condition == nil {
		return false, fmt.Sprintf("generation %d, observed %d", generation, observed)
	}
	check(!condition.IsFalse(), "not ready: %s: %s", condition.Reason, condition.Message)
	return condition.IsTrue(), fmt.Sprintf("%s %s %s", condition.Status, condition.Reason, condition.Message)
}

// eventually is for what no condition tells.
func eventually(what string, holds func() bool) {
	deadline := time.Now().Add(patience)
	for !holds() {
		check(time.Now().Before(deadline), "not within %s: %s", patience, what)
		time.Sleep(20 * time.Millisecond)
	}
}

func must(err error) { check(err == nil, "%v", err) }

func check(holds bool, format string, arguments ...any) {
	if !holds {
		panic(fmt.Sprintf(format, arguments...))
	}
}
