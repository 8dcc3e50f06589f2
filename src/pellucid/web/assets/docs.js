"use strict";

const root = document.getElementById("swagger-ui");

// Swagger UI's reader of OpenAPI 3.1 takes minutes for a description of hundreds of tables, that of 3.0 seconds, and shows nearly the same.
const LARGE = 300000;

function hasten(response) {
  if (typeof response.text === "string" && response.text.length > LARGE) {
    response.text = response.text.replace(/^\{"openapi":"3\.1\.\d+"/, '{"openapi":"3.0.3"');
  }
  return response;
}

window.ui = SwaggerUIBundle({
  domNode: root,
  url: root.dataset.openapi,
  oauth2RedirectUrl: new URL(root.dataset.redirect, window.location.href).href,
  responseInterceptor: (response) => (response.url.endsWith(root.dataset.openapi) ? hasten(response) : response),
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset],
  layout: "BaseLayout",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: true,
  showExtensions: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
