package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	ctrl "sigs.k8s.io/controller-runtime"
	runtimecache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

const group = "clients.tanebi.dev"

var greetings = schema.GroupVersionResource{Group: group, Version: "v1", Resource: "greetings"}

func greeting() *unstructured.Unstructured {
	made := &unstructured.Unstructured{}
	made.SetGroupVersionKind(greetings.GroupVersion().WithKind("Greeting"))
	return made
}

func definition() *unstructured.Unstructured {
	text := map[string]any{"type": "string"}
	object := func(properties map[string]any) map[string]any {
		return map[string]any{"type": "object", "properties": properties}
	}
	whom := map[string]any{"type": "string", "default": "world"}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "greetings." + group},
		"spec": map[string]any{
			"group": group, "scope": "Namespaced",
			"names": map[string]any{"kind": "Greeting", "plural": "greetings", "singular": "greeting", "listKind": "GreetingList"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true, "subresources": map[string]any{"status": map[string]any{}},
				"schema": map[string]any{"openAPIV3Schema": object(map[string]any{
					"spec": object(map[string]any{"whom": whom}), "status": object(map[string]any{"said": text}),
				})},
			}},
		},
	}}
}

// greeter writes what a Greeting says into a ConfigMap of its own, and into the Greeting's status.
type greeter struct{ client.Client }

func (g *greeter) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	found := greeting()
	if err := g.Get(ctx, request.NamespacedName, found); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	whom, _, _ := unstructured.NestedString(found.Object, "spec", "whom")
	said := "hello " + whom
	made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: request.Name, Namespace: request.Namespace}}
	if _, err := controllerutil.CreateOrUpdate(ctx, g.Client, made, func() error {
		made.Data = map[string]string{"said": said}
		return controllerutil.SetControllerReference(found, made, g.Scheme())
	}); err != nil {
		return ctrl.Result{}, err
	}
	if before, _, _ := unstructured.NestedString(found.Object, "status", "said"); before == said {
		return ctrl.Result{}, nil
	}
	if err := unstructured.SetNestedField(found.Object, said, "status", "said"); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, g.Status().Update(ctx, found)
}

// controllerRuntime runs an operator on a kind of its own, as kubebuilder lays them out.
func controllerRuntime(w *world) {
	log.SetLogger(zap.New())
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	crds := w.dynamic.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	_, err := crds.Create(ctx, definition(), metav1.CreateOptions{})
	must(err)
	mine := w.dynamic.Resource(greetings).Namespace(w.space)
	eventually("the kind is served", func() bool {
		_, err := mine.List(ctx, metav1.ListOptions{})
		return err == nil
	})
	manager, err := ctrl.NewManager(w.config, ctrl.Options{
		Metrics: server.Options{BindAddress: "0"}, LeaderElection: true, LeaderElectionID: "greeter", LeaderElectionNamespace: w.space,
		Cache: runtimecache.Options{DefaultNamespaces: map[string]runtimecache.Config{w.space: {}}},
	})
	must(err)
	must(ctrl.NewControllerManagedBy(manager).For(greeting()).Owns(&corev1.ConfigMap{}).Complete(&greeter{manager.GetClient()}))
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	wish := greeting()
	wish.SetName("first")
	wish.Object["spec"] = map[string]any{}
	_, err = mine.Create(ctx, wish, metav1.CreateOptions{})
	must(err)
	said := func(text string) func() bool {
		return func() bool {
			found, err := mine.Get(ctx, "first", metav1.GetOptions{})
			must(err)
			have, _, _ := unstructured.NestedString(found.Object, "status", "said")
			return have == text
		}
	}
	eventually("the default is greeted", said("hello world"))
	patch := []byte(`{"spec":{"whom":"種火"}}`)
	_, err = mine.Patch(ctx, "first", "application/merge-patch+json", patch, metav1.PatchOptions{})
	must(err)
	eventually("the change is greeted", said("hello 種火"))
	maps := w.typed.CoreV1().ConfigMaps(w.space)
	must(maps.Delete(ctx, "first", metav1.DeleteOptions{}))
	eventually("a child that was deleted comes back", func() bool {
		found, err := maps.Get(ctx, "first", metav1.GetOptions{})
		return err == nil && found.Data["said"] == "hello 種火"
	})
	must(mine.Delete(ctx, "first", metav1.DeleteOptions{}))
	eventually("the child goes with its owner", func() bool {
		_, err := maps.Get(ctx, "first", metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
	stop()
	if err := <-ended; err != nil {
		fail(fmt.Sprintf("the manager ended with %v", err))
	}
	must(crds.Delete(w.ctx, "greetings."+group, metav1.DeleteOptions{}))
}
