// Sends the links of class "act" as a form with the page's token, so that the server knows that they were meant.
// Without scripts the links work as they are, if the browser says where they come from, or after a question.
document.addEventListener("click", function (event) {
  var link = event.target.closest ? event.target.closest("a.act") : null;
  var form = document.getElementById("act");
  if (!link || !form || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  new URLSearchParams(link.search).forEach(function (value, name) {
    var field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.value = value;
    form.appendChild(field);
  });
  form.submit();
});
