use serde_json::json;

use super::*;

fn check(object: Value, patch: Value, expected: Value) {
    let result = strategic("Pod", &object, &patch).expect("the patch applies");
    assert_eq!(result, expected, "{patch}");
}

#[test]
fn lists_with_a_key_merge_and_new_items_come_first() {
    check(
        json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}}),
        json!({"spec": {"containers": [{"name": "b", "image": "2"}, {"name": "c", "image": "3"}]}}),
        json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}, {"name": "c", "image": "3"}]}}),
    );
    check(
        json!({"spec": {"containers": [{"name": "a"}]}}),
        json!({"spec": {"containers": [{"name": "b"}]}}),
        json!({"spec": {"containers": [{"name": "b"}, {"name": "a"}]}}),
    );
}

#[test]
fn lists_without_a_key_are_replaced_and_sets_grow() {
    check(
        json!({"spec": {"tolerations": [{"key": "a"}]}, "metadata": {"finalizers": ["x"]}}),
        json!({"spec": {"tolerations": [{"key": "b"}]}, "metadata": {"finalizers": ["y", "x"]}}),
        json!({"spec": {"tolerations": [{"key": "b"}]}, "metadata": {"finalizers": ["y", "x"]}}),
    );
}

#[test]
fn null_removes_and_is_never_stored() {
    check(
        json!({"metadata": {"labels": {"a": "1", "b": "2"}}}),
        json!({"metadata": {"labels": {"a": null, "c": null}, "annotations": {"x": null}}}),
        json!({"metadata": {"labels": {"b": "2"}, "annotations": {}}}),
    );
}

#[test]
fn directives_delete_and_replace() {
    let pod = json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}], "volumes": [{"name": "v", "emptyDir": {}}]}});
    check(
        pod.clone(),
        json!({"spec": {"containers": [{"name": "b", "$patch": "delete"}]}}),
        json!({"spec": {"containers": [{"name": "a", "image": "1"}], "volumes": [{"name": "v", "emptyDir": {}}]}}),
    );
    check(
        pod.clone(),
        json!({"spec": {"containers": [{"$patch": "replace"}, {"name": "c"}]}}),
        json!({"spec": {"containers": [{"name": "c"}], "volumes": [{"name": "v", "emptyDir": {}}]}}),
    );
    check(
        pod.clone(),
        json!({"spec": {"$patch": "replace", "volumes": []}}),
        json!({"spec": {"volumes": []}}),
    );
    check(
        pod,
        json!({"spec": {"containers": null, "volumes": [{"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}}]}}),
        json!({"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/x"}}]}}),
    );
}

#[test]
fn the_order_of_items_can_be_said() {
    let pod = json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}});
    check(
        pod.clone(),
        json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}}),
        json!({"spec": {"containers": [{"name": "b"}, {"name": "a"}]}}),
    );
    check(
        pod,
        json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "c"}], "containers": [{"name": "c"}]}}),
        json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}}),
    );
}

#[test]
fn items_leave_a_set_by_directive() {
    check(
        json!({"metadata": {"finalizers": ["a", "b"]}}),
        json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "$setElementOrder/finalizers": ["b"]}}),
        json!({"metadata": {"finalizers": ["b"]}}),
    );
}

#[test]
fn the_strategy_of_a_deployment_can_change_its_type() {
    let deployment =
        json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
    let patch = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});
    assert_eq!(
        strategic("apps/Deployment", &deployment, &patch),
        Ok(json!({"spec": {"strategy": {"type": "Recreate"}}}))
    );
}

#[test]
fn misused_patches_are_refused() {
    let pod = json!({"spec": {"containers": [{"name": "c", "image": "i"}]}});
    for (patch, code, expected) in [
        (
            json!([]),
            400,
            "json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
        (
            json!({"spec": {"containers": [{"image": "x"}]}}),
            500,
            "map: map[image:x] does not contain declared merge key: name",
        ),
        (
            json!({"spec": {"containers": [{"name": "c", "$patch": "foo"}]}}),
            500,
            "unknown patch type: foo in map: map[$patch:foo name:c]",
        ),
        (
            json!({"spec": {"securityContext": {}, "$retainKeys": ["volumes"]}}),
            400,
            "invalid patch format of retainKeys",
        ),
        (
            json!({"spec": {"$setElementOrder/containers": [{"name": "z"}], "containers": [{"name": "c", "image": "x"}]}}),
            500,
            "The order in patch list:\n[map[image:x name:c]]\n doesn't match $setElementOrder list:\n[map[name:z]]\n",
        ),
    ] {
        let status = strategic("Pod", &pod, &patch).expect_err(expected);
        assert_eq!((status.code, status.message.as_str()), (code, expected));
    }
    assert_eq!(
        json(&pod, &json!({})).map_err(|status| status.code),
        Err(400)
    );
    let test = json!([{"op": "test", "path": "/spec/replicas", "value": 7}]);
    assert_eq!(json(&pod, &test).map_err(|status| status.code), Err(422));
    assert_eq!(
        merge(&pod, &json!([])).map_err(|status| status.code),
        Err(400)
    );
}
