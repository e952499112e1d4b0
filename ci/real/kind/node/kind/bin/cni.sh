# Runs in the node-cni DaemonSet: one CNI config for this node, one route per other node.
s=/var/run/secrets/kubernetes.io/serviceaccount
nodes() {
  kubectl --server="https://$CONTROL_PLANE_ENDPOINT" --certificate-authority=$s/ca.crt --token="$(cat $s/token)" get nodes \
    -o 'jsonpath={range .items[*]}{.metadata.name} {.spec.podCIDR} {.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'
}
trap 'exit 0' TERM INT
f=/etc/cni/net.d/10-node.conflist; pause=1
while :; do
  nodes > /tmp/nodes && while read -r name cidr ip; do
    [ -n "$ip" ] || continue
    if [ "$name" = "$NODE_NAME" ]; then
      printf '{"cniVersion":"1.0.0","name":"node","plugins":[{"type":"ptp","ipMasq":false,"mtu":1500,"ipam":{"type":"host-local","dataDir":"/run/cni-ipam","ranges":[[{"subnet":"%s"}]],"routes":[{"dst":"0.0.0.0/0"}]}},{"type":"portmap","capabilities":{"portMappings":true}}]}\n' "$cidr" > /tmp/conf
      cmp -s /tmp/conf $f || { cp /tmp/conf $f.tmp && mv $f.tmp $f && echo "wrote $cidr"; pause=10; }
    else
      ip route replace "$cidr" via "$ip"
    fi
  done < /tmp/nodes
  sleep $pause & wait $!
done
