// A client of the Kubernetes API, as Go programs are: typed objects, discovery, informers, the dynamic client, leader election,
// and a small operator. Each check prints one line; the first failure ends the program.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	applycorev1 "k8s.io/client-go/applyconfigurations/core/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/util/retry"
)

const (
	patience = 20 * time.Second
	image    = "dev.local/probe"
)

type world struct {
	ctx     context.Context
	config  *rest.Config
	typed   *kubernetes.Clientset
	dynamic *dynamic.DynamicClient
	space   string
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	config, err := clientcmd.BuildConfigFromFlags("", os.Args[1])
	must(err)
	config.QPS, config.Burst = 200, 200
	binary := rest.CopyConfig(config)
	binary.ContentType = "application/vnd.kubernetes.protobuf"
	binary.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	typed, err := kubernetes.NewForConfig(binary)
	must(err)
	dyn, err := dynamic.NewForConfig(config)
	must(err)
	w := &world{ctx, config, typed, dyn, "go-client"}
	_, err = typed.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.space}}, metav1.CreateOptions{})
	must(err)
	for _, check := range []struct {
		name string
		run  func(*world)
	}{
		{"discovery", discovery}, {"objects", objects}, {"conflicts", conflicts}, {"apply", apply}, {"informers", informing},
		{"deployment", deployment}, {"job", job}, {"autoscaler", autoscaler}, {"dynamic", dynamically}, {"leader", leader},
		{"operator", operator}, {"controller-runtime", controllerRuntime}, {"collection", collection},
	} {
		began := time.Now()
		check.run(w)
		fmt.Printf("ok %s %.2fs\n", check.name, time.Since(began).Seconds())
	}
	must(typed.CoreV1().Namespaces().Delete(ctx, w.space, metav1.DeleteOptions{}))
	eventually("the namespace goes", func() bool {
		_, err := typed.CoreV1().Namespaces().Get(ctx, w.space, metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
	fmt.Println("all ok")
}

func discovery(w *world) {
	version, err := w.typed.Discovery().ServerVersion()
	must(err)
	check(version.Major == "1", "version %v", version)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(w.typed.Discovery()))
	for kind, resource := range map[string]string{"Deployment": "deployments", "CronJob": "cronjobs", "Service": "services"} {
		group := map[string]string{"Deployment": "apps", "CronJob": "batch", "Service": ""}[kind]
		mapping, err := mapper.RESTMapping(schema.GroupKind{Group: group, Kind: kind})
		must(err)
		check(mapping.Resource.Resource == resource && mapping.Scope.Name() == meta.RESTScopeNameNamespace, "mapping %v", mapping)
	}
	_, err = mapper.RESTMapping(schema.GroupKind{Group: "serving.knative.dev", Kind: "Service"})
	must(err)
}

func objects(w *world) {
	maps := w.typed.CoreV1().ConfigMaps(w.space)
	made, err := maps.Create(w.ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "made-", Labels: map[string]string{"a": "b"}},
		Data:       map[string]string{"text": "種火"}, BinaryData: map[string][]byte{"raw": {0, 255}},
	}, metav1.CreateOptions{})
	must(err)
	found, err := maps.Get(w.ctx, made.Name, metav1.GetOptions{})
	must(err)
	check(found.Data["text"] == "種火" && len(found.BinaryData["raw"]) == 2, "content %v", found)
	_, err = maps.Get(w.ctx, "nobody", metav1.GetOptions{})
	check(apierrors.IsNotFound(err), "not found: %v", err)
	_, err = maps.Create(w.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: made.Name}}, metav1.CreateOptions{})
	check(apierrors.IsAlreadyExists(err), "exists: %v", err)
	listed, err := maps.List(w.ctx, metav1.ListOptions{LabelSelector: "a=b"})
	must(err)
	check(len(listed.Items) == 1 && listed.ResourceVersion != "", "list %d", len(listed.Items))
	patched, err := maps.Patch(w.ctx, made.Name, types.StrategicMergePatchType, []byte(`{"data":{"more":"1"}}`), metav1.PatchOptions{})
	must(err)
	check(patched.Data["more"] == "1" && patched.Data["text"] == "種火", "patch %v", patched.Data)
	dry, err := maps.Patch(w.ctx, made.Name, types.MergePatchType, []byte(`{"data":{"dry":"1"}}`), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}})
	must(err)
	check(dry.Data["dry"] == "1", "dry run %v", dry.Data)
	secret, err := w.typed.CoreV1().Secrets(w.space).Create(w.ctx, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, StringData: map[string]string{"p": "q"}}, metav1.CreateOptions{})
	must(err)
	check(string(secret.Data["p"]) == "q", "secret %v", secret.Data)
	service, err := w.typed.CoreV1().Services(w.space).Create(w.ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "svc"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}, metav1.CreateOptions{})
	must(err)
	check(service.Spec.ClusterIP != "" && service.Spec.Ports[0].TargetPort.IntValue() == 80, "service %v", service.Spec)
	nodes, err := w.typed.CoreV1().Nodes().List(w.ctx, metav1.ListOptions{})
	must(err)
	check(len(nodes.Items) == 1 && nodes.Items[0].Status.Capacity.Cpu().Value() > 0, "nodes %d", len(nodes.Items))
}

func conflicts(w *world) {
	maps := w.typed.CoreV1().ConfigMaps(w.space)
	made, err := maps.Create(w.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "raced"}, Data: map[string]string{"n": "0"}}, metav1.CreateOptions{})
	must(err)
	stale := made.DeepCopy()
	made.Data["n"] = "1"
	_, err = maps.Update(w.ctx, made, metav1.UpdateOptions{})
	must(err)
	stale.Data["n"] = "2"
	_, err = maps.Update(w.ctx, stale, metav1.UpdateOptions{})
	check(apierrors.IsConflict(err), "conflict: %v", err)
	must(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		fresh, err := maps.Get(w.ctx, "raced", metav1.GetOptions{})
		must(err)
		fresh.Data["n"] = "3"
		_, err = maps.Update(w.ctx, fresh, metav1.UpdateOptions{})
		return err
	}))
	wrong := types.UID("00000000-0000-0000-0000-000000000000")
	err = maps.Delete(w.ctx, "raced", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &wrong}})
	check(apierrors.IsConflict(err), "precondition: %v", err)
}

func apply(w *world) {
	maps := w.typed.CoreV1().ConfigMaps(w.space)
	wish := applycorev1.ConfigMap("applied", w.space).WithData(map[string]string{"a": "1"})
	_, err := maps.Apply(w.ctx, wish, metav1.ApplyOptions{FieldManager: "one"})
	must(err)
	other := applycorev1.ConfigMap("applied", w.space).WithData(map[string]string{"a": "2"})
	_, err = maps.Apply(w.ctx, other, metav1.ApplyOptions{FieldManager: "two"})
	check(apierrors.IsConflict(err), "apply conflict: %v", err)
	forced, err := maps.Apply(w.ctx, other, metav1.ApplyOptions{FieldManager: "two", Force: true})
	must(err)
	check(forced.Data["a"] == "2" && len(forced.ManagedFields) > 0, "forced %v", forced.Data)
}

func informing(w *world) {
	factory := informers.NewSharedInformerFactoryWithOptions(w.typed, 0, informers.WithNamespace(w.space))
	informer := factory.Core().V1().ConfigMaps().Informer()
	var added, updated, deleted atomic.Int32
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { added.Add(1) },
		UpdateFunc: func(any, any) { updated.Add(1) },
		DeleteFunc: func(any) { deleted.Add(1) },
	})
	must(err)
	stop := make(chan struct{})
	defer close(stop)
	factory.Start(stop)
	for _, synced := range factory.WaitForCacheSync(stop) {
		check(synced, "informer not synced")
	}
	before := added.Load()
	maps := w.typed.CoreV1().ConfigMaps(w.space)
	made, err := maps.Create(w.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "watched"}}, metav1.CreateOptions{})
	must(err)
	made.Data = map[string]string{"a": "b"}
	_, err = maps.Update(w.ctx, made, metav1.UpdateOptions{})
	must(err)
	must(maps.Delete(w.ctx, "watched", metav1.DeleteOptions{}))
	eventually("the informer tells", func() bool { return added.Load() > before && updated.Load() > 0 && deleted.Load() > 0 })
	streamed(w)
}

// streamed is a list as a watch (watch-list), which newer informers ask for first.
func streamed(w *world) {
	yes := true
	watching, err := w.typed.CoreV1().ConfigMaps(w.space).Watch(w.ctx, metav1.ListOptions{
		SendInitialEvents: &yes, AllowWatchBookmarks: true, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	})
	must(err)
	defer watching.Stop()
	seen := 0
	for event := range watching.ResultChan() {
		if event.Type == watch.Bookmark {
			check(event.Object.(*corev1.ConfigMap).Annotations[metav1.InitialEventsAnnotationKey] == "true", "bookmark %v", event.Object)
			check(seen > 0, "nothing before the bookmark")
			return
		}
		seen++
	}
	fail("the watch ended before its bookmark")
}

func pod(policy corev1.RestartPolicy, command ...string) corev1.PodTemplateSpec {
	none := int64(1)
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "web"}},
		Spec: corev1.PodSpec{
			RestartPolicy: policy, TerminationGracePeriodSeconds: &none,
			Containers: []corev1.Container{{Name: "c", Image: image, Command: command, Ports: []corev1.ContainerPort{{ContainerPort: 8080}}}},
		},
	}
}

func deployment(w *world) {
	two := int32(2)
	deployments := w.typed.AppsV1().Deployments(w.space)
	_, err := deployments.Create(w.ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &two, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, Template: pod(corev1.RestartPolicyAlways),
		},
	}, metav1.CreateOptions{})
	must(err)
	eventually("two pods are available", func() bool {
		found, err := deployments.Get(w.ctx, "web", metav1.GetOptions{})
		must(err)
		return found.Status.AvailableReplicas == 2
	})
	sets, err := w.typed.AppsV1().ReplicaSets(w.space).List(w.ctx, metav1.ListOptions{LabelSelector: "app=web"})
	must(err)
	check(len(sets.Items) == 1 && *sets.Items[0].Spec.Replicas == 2, "replica sets %v", sets.Items)
	pods, err := w.typed.CoreV1().Pods(w.space).List(w.ctx, metav1.ListOptions{LabelSelector: "app=web"})
	must(err)
	check(metav1.IsControlledBy(&pods.Items[0], &sets.Items[0]), "pod of nobody: %v", pods.Items[0].OwnerReferences)
	scale, err := deployments.GetScale(w.ctx, "web", metav1.GetOptions{})
	must(err)
	scale.Spec.Replicas = 0
	_, err = deployments.UpdateScale(w.ctx, "web", scale, metav1.UpdateOptions{})
	must(err)
	eventually("no pod is left", func() bool {
		pods, err := w.typed.CoreV1().Pods(w.space).List(w.ctx, metav1.ListOptions{LabelSelector: "app=web"})
		must(err)
		return len(pods.Items) == 0
	})
}

func job(w *world) {
	jobs := w.typed.BatchV1().Jobs(w.space)
	_, err := jobs.Create(w.ctx, &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "once"}, Spec: batchv1.JobSpec{Template: pod(corev1.RestartPolicyNever, "true")},
	}, metav1.CreateOptions{})
	must(err)
	eventually("the job is complete", func() bool {
		found, err := jobs.Get(w.ctx, "once", metav1.GetOptions{})
		must(err)
		return found.Status.Succeeded == 1 && found.Status.CompletionTime != nil
	})
}

func autoscaler(w *world) {
	target := int32(50)
	_, err := w.typed.AutoscalingV1().HorizontalPodAutoscalers(w.space).Create(w.ctx, &autoscalingv1.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "h"},
		Spec: autoscalingv1.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv1.CrossVersionObjectReference{Kind: "Deployment", Name: "web", APIVersion: "apps/v1"},
			MaxReplicas:    3, TargetCPUUtilizationPercentage: &target,
		},
	}, metav1.CreateOptions{})
	must(err)
	found, err := w.typed.AutoscalingV2().HorizontalPodAutoscalers(w.space).Get(w.ctx, "h", metav1.GetOptions{})
	must(err)
	check(*found.Spec.Metrics[0].Resource.Target.AverageUtilization == 50, "metrics %v", found.Spec.Metrics)
}

var knative = schema.GroupVersionResource{Group: "serving.knative.dev", Version: "v1", Resource: "services"}

func dynamically(w *world) {
	services := w.dynamic.Resource(knative).Namespace(w.space)
	wish := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "serving.knative.dev/v1", "kind": "Service", "metadata": map[string]any{"name": "hello"},
		"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"image": image}}}}},
	}}
	_, err := services.Create(w.ctx, wish, metav1.CreateOptions{})
	must(err)
	eventually("the Knative service is ready", func() bool {
		found, err := services.Get(w.ctx, "hello", metav1.GetOptions{})
		must(err)
		conditions, _, _ := unstructured.NestedSlice(found.Object, "status", "conditions")
		for _, each := range conditions {
			condition := each.(map[string]any)
			if condition["type"] == "Ready" && condition["status"] == "True" {
				return true
			}
		}
		return false
	})
	foreground := metav1.DeletePropagationForeground
	must(services.Delete(w.ctx, "hello", metav1.DeleteOptions{PropagationPolicy: &foreground}))
}

func leader(w *world) {
	lock := func(id string) *resourcelock.LeaseLock {
		return &resourcelock.LeaseLock{
			LeaseMeta: metav1.ObjectMeta{Name: "leader", Namespace: w.space}, Client: w.typed.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: id},
		}
	}
	first, stepDown := context.WithCancel(w.ctx)
	led := make(chan string, 2)
	run := func(ctx context.Context, id string) {
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: lock(id), ReleaseOnCancel: true,
			LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond,
			Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: func(context.Context) { led <- id }, OnStoppedLeading: func() {}},
		})
	}
	go run(first, "one")
	check(<-led == "one", "who leads first")
	second, end := context.WithCancel(w.ctx)
	defer end()
	go run(second, "two")
	stepDown()
	select {
	case who := <-led:
		check(who == "two", "who leads second")
	case <-time.After(patience):
		fail("nobody took over")
	}
}

// operator keeps a copy of every ConfigMap that asks for one: a control loop of a few lines.
func operator(w *world) {
	ctx, stop := context.WithCancel(w.ctx)
	defer stop()
	maps := w.typed.CoreV1().ConfigMaps(w.space)
	factory := informers.NewSharedInformerFactoryWithOptions(w.typed, 0, informers.WithNamespace(w.space),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = "copy=yes" }))
	reconcile := func(obj any) {
		source := obj.(*corev1.ConfigMap)
		owner := *metav1.NewControllerRef(source, corev1.SchemeGroupVersion.WithKind("ConfigMap"))
		body, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "data": source.Data,
			"metadata": map[string]any{"name": source.Name + "-copy", "ownerReferences": []metav1.OwnerReference{owner}},
		})
		must(err)
		force := true
		_, err = maps.Patch(ctx, source.Name+"-copy", types.ApplyPatchType, body, metav1.PatchOptions{FieldManager: "operator", Force: &force})
		if ctx.Err() == nil {
			must(err)
		}
	}
	_, err := factory.Core().V1().ConfigMaps().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: reconcile, UpdateFunc: func(_, obj any) { reconcile(obj) },
	})
	must(err)
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	made, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "source", Labels: map[string]string{"copy": "yes"}}, Data: map[string]string{"n": "1"}}, metav1.CreateOptions{})
	must(err)
	copied := func(n string) func() bool {
		return func() bool {
			found, err := maps.Get(ctx, "source-copy", metav1.GetOptions{})
			return err == nil && found.Data["n"] == n
		}
	}
	eventually("the copy is made", copied("1"))
	made.Data["n"] = "2"
	_, err = maps.Update(ctx, made, metav1.UpdateOptions{})
	must(err)
	eventually("the copy follows", copied("2"))
	must(maps.Delete(ctx, "source", metav1.DeleteOptions{}))
	eventually("the copy is collected", func() bool {
		_, err := maps.Get(ctx, "source-copy", metav1.GetOptions{})
		return apierrors.IsNotFound(err)
	})
}

func collection(w *world) {
	maps := w.typed.CoreV1().ConfigMaps(w.space)
	for i := range 7 {
		_, err := maps.Create(w.ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("many-%d", i), Labels: map[string]string{"many": "yes"}}}, metav1.CreateOptions{})
		must(err)
	}
	options, seen := metav1.ListOptions{LabelSelector: "many=yes", Limit: 3}, 0
	for {
		page, err := maps.List(w.ctx, options)
		must(err)
		seen += len(page.Items)
		if options.Continue = page.Continue; options.Continue == "" {
			break
		}
	}
	check(seen == 7, "paged %d", seen)
	must(maps.DeleteCollection(w.ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "many=yes"}))
	left, err := maps.List(w.ctx, metav1.ListOptions{LabelSelector: "many=yes"})
	must(err)
	check(len(left.Items) == 0, "left %d", len(left.Items))
}

func eventually(what string, done func() bool) {
	err := wait.PollUntilContextTimeout(context.Background(), 20*time.Millisecond, patience, true, func(context.Context) (bool, error) { return done(), nil })
	check(err == nil, "not within %s: %s", patience, what)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func check(ok bool, format string, values ...any) {
	if !ok {
		fail(fmt.Sprintf(format, values...))
	}
}

func fail(text string) {
	panic(text)
}
